"""What a worker promises of its writes, and how each promise is kept: one writer a lane.

``exactly-once``: what a batch leads to and its offsets are one Kafka transaction, by a producer of the lane's own.

``at-least-once``: all lanes of a process write with one idempotent producer. Once Kafka has acknowledged what a batch
leads to, its offsets are committed through the group's member, so that the group refuses a zombie's. After a crash in
between, the batch comes again and its results are written again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata, RecordMetadata

from broker import clients
from schemas import headers as h
from schemas.message import Topic
from workers.runtime.record import Write
from workers.settings import WorkerSettings

TRANSACTION_TIMEOUT_SECONDS: Final = clients.TRANSACTION_TIMEOUT_MS / 1000
START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 5

Offsets = Mapping[TopicPartition, OffsetAndMetadata]


class Guarantee(Protocol):
    """Opens the writers of one member's lanes."""

    async def writer(self, stack: contextlib.AsyncExitStack, partition: int, /) -> Writer:
        """A writer for this partition number, closed with the stack.

        Raises:
            KafkaError, OSError: Kafka refuses, or cannot be reached.
        """

    async def close(self) -> None:
        """Stop what the lanes shared."""


class Writer:
    """Writes to one partition number of any topic, and commits offsets."""

    def __init__(self, settings: WorkerSettings, partition: int, producer: AIOKafkaProducer) -> None:
        self._layout, self._partition, self._producer = settings.layout, partition, producer
        self._existing: set[Topic] = set()

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[RecordMetadata]:
        """Write and commit; returns where what was written stands. After an error the lane has to open anew.

        Raises:
            KafkaError, OSError: how much of it was done is not known.
        """
        raise NotImplementedError

    async def _send(self, writes: Sequence[Write]) -> list[RecordMetadata]:
        """Return once Kafka has acknowledged all of them."""
        acks = []
        for write in writes:
            ack = await self._producer.send(
                self._layout.name(write.topic),
                key=write.key,
                value=write.value,
                partition=self._partition_of(write),
                headers=h.to_wire(write.headers),
                timestamp_ms=write.timestamp_ms,
            )
            ack.add_done_callback(_looked_at)
            acks.append(ack)
        return list(await asyncio.gather(*acks))

    def _partition_of(self, write: Write) -> int:
        return self._partition if write.partition is None else write.partition

    async def _deliverable(self, write: Write) -> Write:
        """The write itself, or what stands in for it where its topic is gone: sending there would never end."""
        if write.otherwise is None or write.topic in self._existing:
            return write
        cluster = await self._producer.client.fetch_all_metadata()
        partitions = cluster.partitions_for_topic(self._layout.name(write.topic))
        if self._partition not in (partitions or ()):
            return write.otherwise
        self._existing.add(write.topic)
        return write


class ExactlyOnce:
    """A transactional producer a lane."""

    def __init__(self, settings: WorkerSettings, group: str) -> None:
        self._settings, self._group = settings, group

    async def writer(self, stack: contextlib.AsyncExitStack, partition: int, /) -> Writer:
        """Fence whoever had the lane before, and settle a transaction that it left open."""
        transactional_id = f"{self._group}-{partition}"
        producer = clients.producer(self._settings, transactional_id=transactional_id, passes_on=True)
        stack.push_async_callback(_ended, producer)
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            await producer.start()
        return _Transactions(self._settings, partition, producer, self._group)

    async def close(self) -> None:
        """Nothing is shared."""


class _Transactions(Writer):
    def __init__(
        self, settings: WorkerSettings, partition: int, producer: AIOKafkaProducer, group: str
    ) -> None:
        super().__init__(settings, partition, producer)
        self._group = group
        self._left_open = False

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[RecordMetadata]:
        """One transaction; on an error it stays open until the lane's next producer settles it."""
        if self._left_open:  # another feed of the lane, which is about to close, had its turn before
            raise IllegalOperation("a transaction of this lane was left open")
        writes = [await self._deliverable(write) for write in writes]
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            self._left_open = True
            await self._producer.begin_transaction()
            written = await self._send(
                writes
            )  # waits for the acks: a send that failed does not fail the transaction
            if offsets:  # a timer's transaction has none
                await self._producer.send_offsets_to_transaction(dict(offsets), self._group)
            await self._producer.commit_transaction()
        self._left_open = False
        return written


class AtLeastOnce:
    """One idempotent producer for all lanes of a member, replaced when it fails one of them."""

    def __init__(self, settings: WorkerSettings, member: AIOKafkaConsumer) -> None:
        self._settings, self._member = settings, member
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def writer(self, _stack: contextlib.AsyncExitStack, partition: int, /) -> Writer:
        """A writer with the producer that all lanes share."""
        async with self._starting:
            if self._producer is None:
                producer = clients.producer(self._settings, passes_on=True)
                try:
                    async with asyncio.timeout(START_TIMEOUT_SECONDS):
                        await producer.start()
                except BaseException:
                    await _ended(producer)
                    raise
                self._producer = producer
        return _Acknowledged(self._settings, partition, self._producer, self)

    async def commit(self, offsets: Offsets) -> None:
        """Commit as the group's member: the group refuses one that it has given up."""
        if offsets:
            await self._member.commit(dict(offsets))

    async def replace(self, failed: AIOKafkaProducer) -> None:
        """Have the next writer start another producer: this one's numbers may be out of order for good."""
        if self._producer is failed:
            self._producer = None
            await _ended(failed)

    async def close(self) -> None:
        """Stop the producer."""
        if self._producer is not None:
            await self.replace(self._producer)


class _Acknowledged(Writer):
    def __init__(
        self, settings: WorkerSettings, partition: int, producer: AIOKafkaProducer, shared: AtLeastOnce
    ) -> None:
        super().__init__(settings, partition, producer)
        self._shared = shared
        self._known: set[tuple[Topic, int]] = set()

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[RecordMetadata]:
        """Offsets follow once every write is acknowledged."""
        writes = [await self._deliverable(write) for write in writes]
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            try:
                written = await self._send(writes)
            except (KafkaError, asyncio.CancelledError):  # it took too long: so much was sent, or nothing
                await asyncio.shield(self._shared.replace(self._producer))
                raise
            await self._shared.commit(offsets)
        return written

    async def _send(self, writes: Sequence[Write]) -> list[RecordMetadata]:
        """First a single record to each partition where Kafka does not know the producer yet.

        It would take there what follows a record that it refuses, and a key's order would be lost. Where it knows the
        producer, it refuses what follows, too.
        """
        firsts: list[Write] = []
        others: list[Write] = []
        known = set(self._known)
        for write in writes:
            destination = write.topic, self._partition_of(write)
            (others if destination in known else firsts).append(write)
            known.add(destination)
        written = await super()._send(firsts)
        self._known = known
        return written + await super()._send(others)


def _looked_at(ack: asyncio.Future[object]) -> None:
    """Where several sends fail, only the first is told; asyncio would log the others."""
    if not ack.cancelled():
        ack.exception()


async def _ended(producer: AIOKafkaProducer) -> None:
    """Stop a producer; one that cannot reach Kafka any more, or is fenced, has nothing left to do there."""
    with contextlib.suppress(KafkaError, OSError):
        await clients.end(producer, STOP_TIMEOUT_SECONDS)
