"""Records on their way to Kafka: those of one partition together, as the batches in which Kafka keeps them.

Sent one by one, a record of 1 KB would cost aiokafka three times as much, and one of 36 KB twice as much:
docs/decisions/0015-workers-write-their-own-record-batches.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition

from broker.record_batch import Entry, RecordBatch
from schemas import headers as h
from schemas.topics import Layout
from workers.runtime.record import Write

BATCH_BYTES: Final = 4 * 1024 * 1024
"""A batch of several records is never larger: one at a time is on its way to a partition. Kafka's limits hold for a
batch as for a record, so where records have to be smaller, so has it."""

_FRAME_BYTES: Final = 128
"""More than Kafka puts around a record, and a share of what it puts around a batch."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A batch for a partition, compressed."""

    partition: TopicPartition
    records: RecordBatch


@dataclass(frozen=True, slots=True)
class Packing:
    """Makes batches of what one lane writes: in its own ``partition``, but for what has another one."""

    layout: Layout
    partition: int
    compression: str
    transactional: bool

    def partition_of(self, write: Write) -> TopicPartition:
        """Where a record goes."""
        number = self.partition if write.partition is None else write.partition
        return TopicPartition(self.layout.name(write.topic), number)

    def pack(self, writes: Iterable[Write]) -> list[Outgoing]:
        """The batches of all partitions, those of one in the order of what is written there.

        The first ones of all partitions come first: so they travel together.
        """
        by_partition: dict[TopicPartition, list[Write]] = defaultdict(list)
        for write in writes:
            by_partition[self.partition_of(write)].append(write)
        numbered = [
            (number, Outgoing(tp, self._packed(batch)))
            for tp, all_of_it in by_partition.items()
            for number, batch in enumerate(_divided(all_of_it, self._most_bytes))
        ]
        numbered.sort(key=lambda pair: pair[0])
        return [outgoing for _, outgoing in numbered]

    @property
    def _most_bytes(self) -> int:
        return min(BATCH_BYTES, self.layout.max_record_bytes)

    def _packed(self, writes: Iterable[Write]) -> RecordBatch:
        entries = (Entry(w.key, w.value, h.to_wire(w.headers), w.timestamp_ms) for w in writes)
        batch = RecordBatch(entries, self.compression, transactional=self.transactional)
        batch.compress()
        return batch


def _divided(writes: Sequence[Write], most_bytes: int) -> Iterator[Sequence[Write]]:
    batch: list[Write] = []
    size = 0
    for write in writes:
        length = _most_bytes_of(write)
        if batch and size + length > most_bytes:
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += length
    yield batch


def _most_bytes_of(write: Write) -> int:
    """What a record takes at most; compression, if any, only makes it smaller."""
    return len(write.key or b"") + len(write.value or b"") + h.most_bytes(write.headers) + _FRAME_BYTES
