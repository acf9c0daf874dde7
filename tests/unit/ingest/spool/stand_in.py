"""Stands where Kafka does, and records to send there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ingest.publishing.batches import NoTopic, Refused, TooLarge, Unavailable
from ingest.record import Record
from ingest.spool.spool import Spool, spooling

PATIENCE_SECONDS = 20
MIB = 2**20


def record(number: int, size: int = 100, topic: str = "midi.callbacks") -> Record:
    """A record that differs from others in its key and its body."""
    key = f"task-{number}".encode()
    return Record(topic, key, key.ljust(size, b"."), [("ce_id", key), ("midi-dialect", b"\xff\x00")])


@dataclass
class Kafka:
    """Takes records; while it is ``away`` it takes none.

    ``refuses`` says which it never takes, ``too_large`` which it refuses for their size, ``topics`` which
    topics there are.
    """

    away: bool = False
    refuses: Callable[[Record], bool] = lambda _: False
    too_large: Callable[[Record], bool] = lambda _: False
    topics: set[str] = field(default_factory=lambda: {"midi.callbacks"})
    taken: list[Record] = field(default_factory=list)
    batches: list[list[Record]] = field(default_factory=list)

    async def send(self, records: Sequence[Record]) -> list[Unavailable | Refused | None]:
        self.batches.append(list(records))
        await asyncio.sleep(0)
        ends = [self._end_of(record) for record in records]
        self.taken += [record for record, end in zip(records, ends, strict=True) if end is None]
        return ends

    def _end_of(self, record: Record) -> Unavailable | Refused | None:
        if self.away or self.refuses(record):
            return Unavailable("Kafka does not take it.")
        if record.topic not in self.topics:
            return NoTopic("It is gone.")
        return TooLarge("It is too large.") if self.too_large(record) else None

    def ready(self) -> bool:
        return not self.away

    def tried(self, number: int) -> int:
        """How often the record with this number was sent."""
        key = f"task-{number}".encode()
        return sum(record.key == key for batch in self.batches for record in batch)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the records taken, in order."""
        return [int(record.key.removeprefix(b"task-")) for record in self.taken]


@asynccontextmanager
async def draining(folder: Path, kafka: Kafka, max_bytes: int = 100 * MIB) -> AsyncIterator[Spool]:
    """A spool that drains to Kafka while the block runs."""
    async with spooling(folder, max_bytes) as spool:
        task = asyncio.create_task(spool.drain(kafka.send, kafka.ready))
        try:
            yield spool
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()


async def filled(folder: Path, numbers: Sequence[int], size: int = 100) -> None:
    """Leave a file with records in the folder, as a process that has ended does."""
    async with spooling(folder, 100 * MIB) as spool:
        await asyncio.gather(*(spool.append(record(number, size)) for number in numbers))


def files(folder: Path) -> list[str]:
    """The names of all files in the folder."""
    return sorted(path.name for path in folder.iterdir())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)
