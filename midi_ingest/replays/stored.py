"""Which stored records a replay runs again, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from midi_ingest.errand import Usage
from midi_ingest.moments import in_ms
from midi_ingest.transactions import Write
from midi_ingest.workers import UnknownWorker, find
from schemas import headers as h
from schemas.callback import Callback
from schemas.message import Topic
from schemas.topics import NOW, retry
from workers.runtime.api import Worker

ORIGIN: Final = "replay"
TRANSACTIONS: Final = "replay"
"""The name of the transactions that a replay writes in: a second one at the same time ends the first."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record that is to be run again: what it was read as, and by which worker it is to be read once more."""

    worker: str
    task: str
    place: TopicPartition
    offset: int
    timestamp_ms: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Range:
    """Whose records: from a moment on, before another one, of some tasks; where one is not given, of all."""

    start: datetime | None
    end: datetime | None
    tasks: frozenset[str]

    def takes(self, record: ConsumerRecord[bytes, bytes]) -> bool:
        """Whether a record is meant; none is that only says that its key is gone."""
        return (
            record.value is not None
            and (self.start is None or record.timestamp >= in_ms(self.start))
            and (self.end is None or record.timestamp < in_ms(self.end))
            and (not self.tasks or _key(record) in self.tasks)
        )


def replayable(reference: str) -> Worker:
    """The worker called so, if stored records may be run through it again.

    Raises:
        Usage: there is no such worker, or they may not; the message says why.
    """
    try:
        worker = find(reference)
    except UnknownWorker as error:
        raise Usage(str(error)) from None
    if not worker.retries:
        raise Usage(f"{worker.name} takes no record twice: there is nothing to replay to it.")
    if Callback in worker.reads:
        raise Usage(
            f"{worker.name} reads callbacks with all their repeats: replay what it made of them, as with "
            "--only normalize."
        )
    return worker


def stored(worker: str, record: ConsumerRecord[bytes, bytes]) -> Stored:
    """A record to be run again."""
    place = TopicPartition(record.topic, record.partition)
    return Stored(worker, _key(record), place, record.offset, record.timestamp, len(record.value or b""))


def again(worker: str, record: ConsumerRecord[bytes, bytes]) -> Write:
    """A stored record on its way to a worker once more: its key, value and headers, marked as a replay."""
    headers = [header for header in h.sent_again(record.headers) if header[0] != h.ORIGIN]
    headers.append((h.ORIGIN, ORIGIN.encode()))
    return Write(retry(worker, NOW), record.partition, record.key, record.value, headers)


def topics_of(workers: Sequence[Worker]) -> list[Topic]:
    """All topics that a replay to some workers reads or writes."""
    return [topic for worker in workers for topic in (*worker.sources, retry(worker.name, NOW))]


def _key(record: ConsumerRecord[bytes, bytes]) -> str:
    return (record.key or b"").decode("utf-8", "replace")
