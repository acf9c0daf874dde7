"""Sending what files of the spool hold to Kafka, oldest first.

A record is deleted once Kafka has acknowledged it, and not before: killed in between, it is sent again. One that
Kafka does not take is passed over, so that it holds up nothing, and tried again in the next pass. One that it would
never take, or that cannot be read, is tried again only once its file's `kept_back` is cleared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final

from ingest.publishing.batches import NoTopic, Refused, TooLarge, Unavailable
from ingest.record import Record
from ingest.spool.claim import paths, take_left
from ingest.spool.database import Entry
from ingest.spool.errors import SpoolBroken
from ingest.spool.file import SpoolFile, Why
from telemetry import metrics
from telemetry.logs import logger

BATCH_RECORDS: Final = 64
BATCH_BYTES: Final = 1024 * 1024
"""What is sent at a time, so that live callbacks are not held up; but at least one record."""

TRIES: Final = 3
"""So often is a batch of which Kafka takes nothing tried before it is passed over."""

_PAUSE_SECONDS: Final = 0.25

_STORY: Final[Mapping[Why, str]] = {
    Why.TOO_LARGE: "kafka takes none of their size",
    Why.NO_TOPIC: "their topic does not exist, or has another number of partitions",
    Why.UNREADABLE: "they are damaged",
}

Send = Callable[[Sequence[Record]], Awaitable[Sequence[Unavailable | Refused | None]]]
"""Publishes records; says of each why it is not safe, or None once Kafka has acknowledged it."""


class Step(Enum):
    """How one step of the drain ended."""

    WENT_ON = "a batch was sent, or passed over"
    AT_END = "nothing is left that this pass has not tried"
    STUCK = "Kafka takes nothing now: try again later"


class Drain:
    """Sends batch by batch; `sent` counts the records that Kafka has acknowledged."""

    def __init__(self, send: Send, ready: Callable[[], bool]) -> None:
        self.sent = 0
        self._send = send
        self._ready = ready
        self._failures = 0

    async def step(self, file: SpoolFile) -> Step:
        """Send the next batch of the file that this pass has not tried.

        Raises:
            SpoolBroken: SQLite or the disk failed; SpoolCorrupt if for good.
        """
        if not self._ready():
            return Step.STUCK
        batch = await file.untried(most=BATCH_RECORDS, most_bytes=BATCH_BYTES)
        if not batch:
            return Step.AT_END
        left = await self._send_batch(file, batch)
        if len(left) == len(batch) and not self._may_pass_over(file, batch):
            return Step.STUCK
        self._pass(file, batch[-1].position, left)
        return Step.WENT_ON

    async def _send_batch(self, file: SpoolFile, batch: Sequence[Entry]) -> list[Entry]:
        """Send a batch, delete what was acknowledged, keep back what is hopeless; returns the rest."""
        sent = [entry for entry in batch if entry.record is not None]
        ends = await self._send([entry.record for entry in sent if entry.record is not None])
        by_end = list(zip(sent, ends, strict=True))
        self._keep_back(file, Why.UNREADABLE, [entry for entry in batch if entry.record is None])
        self._keep_back(file, Why.TOO_LARGE, [entry for entry, end in by_end if isinstance(end, TooLarge)])
        self._keep_back(file, Why.NO_TOPIC, [entry for entry, end in by_end if isinstance(end, NoTopic)])
        acked = [entry for entry, end in by_end if end is None]
        if acked:
            self._failures = 0
            self.sent += len(acked)
            metrics.SPOOL_DRAINED.inc(len(acked))
            await file.delete(acked)
        return [entry for entry, end in by_end if isinstance(end, Unavailable)]

    def _keep_back(self, file: SpoolFile, why: Why, entries: Sequence[Entry]) -> None:
        if entries:
            file.kept_back.update((entry.position, why) for entry in entries)
            logger().error(
                f"spooled records kept back: {_STORY[why]}",
                file=file.path.name,
                positions=[entry.position for entry in entries],
                bytes=[entry.size_bytes for entry in entries],
                topics=_topics(entries),
            )

    def _may_pass_over(self, file: SpoolFile, batch: Sequence[Entry]) -> bool:
        """Whether it is these records that Kafka does not take, rather than any."""
        if not self._ready():
            return False
        if batch[-1].position <= file.passed_over:
            return True
        self._failures += 1
        return self._failures >= TRIES

    def _pass(self, file: SpoolFile, position: int, left: Sequence[Entry]) -> None:
        file.cursor = position
        if new := [entry for entry in left if entry.position > file.passed_over]:
            logger().warning(
                "spooled records passed over: kafka did not take them",
                file=file.path.name,
                positions=[entry.position for entry in new],
                topics=_topics(new),
            )
        file.passed_over = max(file.passed_over, position)


def _topics(entries: Iterable[Entry]) -> list[str]:
    return sorted({entry.record.topic for entry in entries if entry.record is not None})


async def drain_left(folder: Path, drain: Drain, *, patience_seconds: float) -> None:
    """Send what the files hold that no process holds, once, and remove those that are empty then.

    Gives up when Kafka has taken nothing for so long. A file that fails is logged and left.

    Raises:
        OSError: the folder or a lock in it cannot be used.
    """
    for path in paths(folder):
        if (claim := take_left(path)) is None:
            continue
        file = SpoolFile(claim)
        try:
            if not await _to_the_end(file, drain, patience_seconds):
                return
        except SpoolBroken as error:
            logger().error("spool file failed", file=path.name, error=str(error))
        finally:
            await file.leave()


async def _to_the_end(file: SpoolFile, drain: Drain, patience_seconds: float) -> bool:
    """Send what is in the file; False if Kafka took nothing for too long."""
    sent, since = drain.sent, time.monotonic()
    while (step := await drain.step(file)) is not Step.AT_END:
        if drain.sent > sent:
            sent, since = drain.sent, time.monotonic()
        elif time.monotonic() - since > patience_seconds:
            return False
        if step is Step.STUCK:
            await asyncio.sleep(_PAUSE_SECONDS)
    return True
