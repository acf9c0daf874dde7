"""Records on their way to Kafka, gathered by partition: they travel together, and have one ack and one deadline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition

from broker.clients import BATCH_BYTES
from ingest.limits import Budget, Limit
from ingest.record import Record

RECORD_OVERHEAD_BYTES: Final = 512
"""What a record's key, headers and framing take at most, about; only the filling of batches depends on it."""

SHARED_DEADLINE_SECONDS: Final = 0.5
"""So much of its time a record may lose by joining a batch that was opened before."""


class Unavailable(Exception):
    """A record is not safe, for the reason given; it may still arrive."""

    def __init__(self, why: str, limit: Limit = Limit.KAFKA_SECONDS) -> None:
        super().__init__(why, limit)
        self.limit = limit

    def __str__(self) -> str:
        return str(self.args[0])


class Refused(Exception):
    """Kafka will not take a record, however often it is sent, until somebody changes something there."""


class TooLarge(Refused):
    """Kafka refuses a record for its size; nothing of it is kept."""


class NoTopic(Refused):
    """The topic does not exist, or has another number of partitions than it should."""


@dataclass(slots=True, eq=False)
class Batch:
    """Records of one partition, each with the future that its sender waits for.

    ``size_bytes`` counts values only, as the ``budget`` does until `give_back`. At the ``deadline``, in monotonic
    time, its senders stop waiting.
    """

    partition: TopicPartition
    deadline: float
    budget: Budget
    records: list[Record] = field(default_factory=list)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    size_bytes: int = 0
    tries: int = 0
    producer: AIOKafkaProducer | None = None
    delivery: asyncio.Task[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether nobody waits any more."""
        return all(waiter.done() for waiter in self.waiters)

    def takes(self, length_bytes: int, deadline: float) -> bool:
        """Whether a value of so many bytes still fits, and would lose little of its time here.

        An empty batch takes any; one that was tried already takes none.
        """
        if not self.records:
            return True
        if self.tries or deadline - self.deadline > SHARED_DEADLINE_SECONDS:
            return False
        framing_bytes = (len(self.records) + 1) * RECORD_OVERHEAD_BYTES
        return self.size_bytes + length_bytes + framing_bytes <= BATCH_BYTES

    def add(self, record: Record, waiter: asyncio.Future[None]) -> None:
        """Put a record in."""
        self.records.append(record)
        self.waiters.append(waiter)
        self.size_bytes += len(record.value)

    def settle(self, error: Unavailable | Refused | None = None) -> None:
        """Tell everyone who still waits that Kafka has acknowledged, or why it has not.

        Each gets an error of its own: one that many raise would gather all their traces.
        """
        for waiter in self.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(type(error)(*error.args))

    def count_in(self, other: Budget) -> None:
        """Count in another budget from now on, if that has room."""
        if other is not self.budget and other.take(self.size_bytes):
            self.give_back()
            self.budget = other

    def give_back(self) -> None:
        """Count no longer."""
        self.budget.give(self.size_bytes)

    def split(self) -> list[Batch]:
        """Each record in a batch of its own."""
        singles = []
        for record, waiter in zip(self.records, self.waiters, strict=True):
            single = Batch(self.partition, self.deadline, self.budget, tries=self.tries)
            single.add(record, waiter)
            singles.append(single)
        return singles


class Waiting:
    """Batches that no producer has yet, in order, by partition; the budget has taken what is in them."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._batches: dict[TopicPartition, deque[Batch]] = {}

    def __iter__(self) -> Iterator[TopicPartition]:
        return iter(list(self._batches))

    def __bool__(self) -> bool:
        return bool(self._batches)

    def open(self, partition: TopicPartition, length_bytes: int, deadline: float) -> Batch:
        """The batch that a value of so many bytes goes to."""
        batches = self._batches.get(partition)
        if batches is None:
            batches = self._batches[partition] = deque()
        elif batches[-1].takes(length_bytes, deadline):
            return batches[-1]
        batches.append(Batch(partition, deadline, self._budget))
        return batches[-1]

    def pop(self, partition: TopicPartition) -> Batch:
        """Take a partition's oldest batch out."""
        batches = self._batches[partition]
        batch = batches.popleft()
        if not batches:
            del self._batches[partition]
        return batch

    def put_back(self, batches: list[Batch]) -> None:
        """Put batches of one partition before all others of it."""
        for batch in reversed(batches):
            self._batches.setdefault(batch.partition, deque()).appendleft(batch)

    def expired(self, now: float) -> list[Batch]:
        """Take out every batch whose deadline has passed."""
        late = []
        for partition in self:
            while partition in self._batches and self._batches[partition][0].deadline <= now:
                late.append(self.pop(partition))
        return late
