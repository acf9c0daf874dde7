"""What a worker promises of its writes, and how each promise is kept: one writer a lane.

``exactly-once``: what a batch leads to and its offsets are one Kafka transaction, by a producer of the lane's own.

``at-least-once``: all lanes of a process write with one idempotent producer. Once Kafka has acknowledged what a batch
leads to, its offsets are committed through the group's member, so that the group refuses a zombie's. After a crash in
between, the batch comes again and its results are written again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata, RecordMetadata

from broker import clients
from schemas.message import Topic
from workers.runtime.outgoing import Outgoing, Packing
from workers.runtime.record import Write
from workers.settings import WorkerSettings

TRANSACTION_TIMEOUT_SECONDS: Final = clients.TRANSACTION_TIMEOUT_MS / 1000
START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 5
ABSENT_SECONDS: Final = 10.0
"""For how long a topic that Kafka did not have is not asked for again."""

Offsets = Mapping[TopicPartition, OffsetAndMetadata]


class Stretch(NamedTuple):
    """Where one batch of what was written stands; ``offsets`` is None where Kafka did not tell it."""

    partition: TopicPartition
    offsets: range | None


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

    def __init__(self, producer: AIOKafkaProducer, packing: Packing) -> None:
        self._producer, self._packing = producer, packing
        self._existing: set[Topic] = set()
        self._absent_until: dict[Topic, float] = {}

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[Stretch]:
        """Write and commit; returns where what was written stands. After an error the lane has to open anew.

        Raises:
            KafkaError, OSError: how much of it was done is not known.
        """
        raise NotImplementedError

    async def _pack(self, writes: Sequence[Write]) -> list[Outgoing]:
        return await asyncio.to_thread(self._packing.pack, writes) if writes else []

    async def _send(self, batches: Sequence[Outgoing]) -> list[Stretch]:
        """Return once Kafka has acknowledged all of them."""
        acks = []
        for batch in batches:
            tp = batch.partition
            ack = await self._producer.send_batch(batch.records, tp.topic, partition=tp.partition)
            ack.add_done_callback(_looked_at)
            acks.append(ack)
        acknowledged: list[RecordMetadata] = await asyncio.gather(*acks)
        return [_stretch(batch, ack) for batch, ack in zip(batches, acknowledged, strict=True)]

    async def _deliverable(self, writes: Sequence[Write]) -> list[Write]:
        """The writes themselves, or what stands in where a topic is gone: sending there would never end."""
        return [
            w.otherwise if w.otherwise is not None and not await self._exists(w.topic) else w for w in writes
        ]

    async def _exists(self, topic: Topic) -> bool:
        """Whether Kafka has the topic; that it has not is believed for a while, since asking takes long."""
        if topic not in self._existing and time.monotonic() > self._absent_until.get(topic, 0.0):
            cluster = await self._producer.client.fetch_all_metadata()
            partitions = cluster.partitions_for_topic(self._packing.layout.name(topic)) or ()
            if self._packing.partition in partitions:
                self._existing.add(topic)
            else:
                self._absent_until[topic] = time.monotonic() + ABSENT_SECONDS
        return topic in self._existing


class ExactlyOnce:
    """A transactional producer a lane."""

    def __init__(self, settings: WorkerSettings, group: str) -> None:
        self._settings, self._group = settings, group

    async def writer(self, stack: contextlib.AsyncExitStack, partition: int, /) -> Writer:
        """Fence whoever had the lane before, and settle a transaction that it left open."""
        transactional_id = f"{self._group}-{partition}"
        producer = clients.producer(self._settings, transactional_id=transactional_id, passes_on=True)
        stack.push_async_callback(_ended, producer)
        await clients.start_whole(producer.start(), START_TIMEOUT_SECONDS)
        return _Transactions(producer, packing(self._settings, partition, transactional=True), self._group)

    async def close(self) -> None:
        """Nothing is shared."""


class _Transactions(Writer):
    def __init__(self, producer: AIOKafkaProducer, packing: Packing, group: str) -> None:
        super().__init__(producer, packing)
        self._group = group
        self._left_open = False

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[Stretch]:
        """One transaction; on an error it stays open until the lane's next producer settles it."""
        if self._left_open:  # another feed of the lane, which is about to close, had its turn before
            raise IllegalOperation("a transaction of this lane was left open")
        batches = await self._pack(await self._deliverable(writes))
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            self._left_open = True
            await self._producer.begin_transaction()
            # Offsets travel beside the records. A send that failed does not fail the transaction: acks are waited for.
            sending = asyncio.gather(self._send(batches), self._add_offsets(offsets))
            written: list[Stretch] = (await sending)[0]
            await self._producer.commit_transaction()
        self._left_open = False
        return written

    async def _add_offsets(self, offsets: Offsets) -> None:
        if offsets:  # a timer's transaction has none
            await self._producer.send_offsets_to_transaction(dict(offsets), self._group)


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
                    await clients.start_whole(producer.start(), START_TIMEOUT_SECONDS)
                except BaseException:
                    await _ended(producer)
                    raise
                self._producer = producer
        return _Acknowledged(self._producer, packing(self._settings, partition), self)

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
    def __init__(self, producer: AIOKafkaProducer, packing: Packing, shared: AtLeastOnce) -> None:
        super().__init__(producer, packing)
        self._shared = shared
        self._known: set[TopicPartition] = set()

    async def commit(self, writes: Sequence[Write], offsets: Offsets) -> list[Stretch]:
        """Offsets follow once every write is acknowledged."""
        writes = await self._deliverable(writes)
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            try:
                written = await self._send_carefully(writes)
            except (KafkaError, asyncio.CancelledError):  # it took too long: so much was sent, or nothing
                await asyncio.shield(self._shared.replace(self._producer))
                raise
            await self._shared.commit(offsets)
        return written

    async def _send_carefully(self, writes: Sequence[Write]) -> list[Stretch]:
        """First a single record to each partition where Kafka does not know the producer yet.

        It would take there what follows a record that it refuses, and a key's order would be lost. Where it knows the
        producer, it refuses what follows, too.
        """
        firsts: list[Write] = []
        others: list[Write] = []
        known = set(self._known)
        for write in writes:
            destination = self._packing.partition_of(write)
            (others if destination in known else firsts).append(write)
            known.add(destination)
        written = await self._send(await self._pack(firsts))
        self._known = known
        return written + await self._send(await self._pack(others))


def packing(settings: WorkerSettings, partition: int, *, transactional: bool = False) -> Packing:
    """How what a lane writes is packed."""
    return Packing(settings.layout, partition, settings.compression, transactional)


def _stretch(batch: Outgoing, ack: RecordMetadata) -> Stretch:
    """Where a batch stands; of one that it had taken before and that was sent again, Kafka does not tell."""
    offsets = range(ack.offset, ack.offset + batch.records.record_count()) if ack.offset >= 0 else None
    return Stretch(batch.partition, offsets)


def _looked_at(ack: asyncio.Future[object]) -> None:
    """Where several sends fail, only the first is told; asyncio would log the others."""
    if not ack.cancelled():
        ack.exception()


async def _ended(producer: AIOKafkaProducer) -> None:
    """Stop a producer; one that cannot reach Kafka any more, or is fenced, has nothing left to do there."""
    with contextlib.suppress(KafkaError, OSError):
        await clients.end(producer, STOP_TIMEOUT_SECONDS)
