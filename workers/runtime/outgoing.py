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
"""A batch ends once its values are so large: one at a time is on its way to a partition, and Kafka's limits hold for it
as for a record."""


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
            for number, batch in enumerate(_divided(all_of_it))
        ]
        numbered.sort(key=lambda pair: pair[0])
        return [outgoing for _, outgoing in numbered]

    def _packed(self, writes: Iterable[Write]) -> RecordBatch:
        entries = (Entry(w.key, w.value, h.to_wire(w.headers), w.timestamp_ms) for w in writes)
        batch = RecordBatch(entries, self.compression, transactional=self.transactional)
        batch.compress()
        return batch


def _divided(writes: Sequence[Write]) -> Iterator[Sequence[Write]]:
    batch: list[Write] = []
    size = 0
    for write in writes:
        length = len(write.value or b"")
        if batch and size + length > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += length
    yield batch
