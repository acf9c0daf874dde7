"""Publishing to Kafka in batches, so that no caller waits longer than it may and none fails for a neighbour.

A record counts as published only once Kafka has acknowledged it; of one that it has not acknowledged in time
nobody knows whether it will still arrive.

Records are gathered by partition, and a partition has one batch under way at a time. While nothing is under way,
a record leaves at once; while something is, those that come within `LINGER_SECONDS` leave together, since a
request to Kafka costs the CPU time of several records.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence, Set
from math import inf
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from broker import clients
from broker.partitioner import partition
from broker.record_batch import Entry, RecordBatch
from ingest.limits import Budgets, Limit
from ingest.publishing.batches import Batch, NoTopic, Refused, TooLarge, Unavailable, Waiting
from ingest.publishing.link import Link
from ingest.record import Record
from ingest.settings import IngressSettings
from telemetry import metrics
from telemetry.logs import logger

LINGER_SECONDS: Final = 0.002

_TRIES: Final = 2
_SWEEP_SECONDS: Final = 0.25
_STOP_SECONDS: Final = 3.0
_QUIET_SECONDS: Final = 10.0
"""Records that are too large are logged no more often."""

_LATE: Final = "Kafka did not acknowledge in time."
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)


@contextlib.asynccontextmanager
async def publishing(
    settings: IngressSettings, budgets: Budgets, *, on_failure: Callable[[], None]
) -> AsyncIterator[Publisher]:
    """A publisher that connects in the background while the block runs; at its end it delivers what it has.

    Should keeping it connected fail for a reason that waiting does not mend, ``on_failure`` is called, and
    the error is raised at the end of the block.
    """
    publisher = Publisher(settings, budgets)
    keeper = asyncio.create_task(publisher.run())
    keeper.add_done_callback(lambda _: on_failure())
    try:
        yield publisher
    finally:
        await publisher.flush()
        keeper.cancel()
        await asyncio.wait([keeper])
        await publisher.close()
        if not keeper.cancelled():
            keeper.result()


class Publisher:
    """Publishes records; `publishing` starts and stops it."""

    def __init__(self, settings: IngressSettings, budgets: Budgets) -> None:
        self._settings = settings
        self._budgets = budgets
        self._loop = asyncio.get_running_loop()
        self._link = Link(settings, on_connected=self._connected)
        self._listeners: list[Callable[[], None]] = []
        self._waiting = Waiting(budgets.kafka)
        self._under_way: dict[TopicPartition, Batch] = {}
        self._tick: asyncio.Handle | None = None
        self._idle = asyncio.Event()
        self._quiet_until = 0.0

    @property
    def ready(self) -> bool:
        """Whether Kafka was reachable and had the topics a moment ago; asks nobody."""
        return self._link.fresh

    @property
    def trouble(self) -> str:
        """Why Kafka takes nothing now, in words for an operator; empty while it does."""
        return self._link.trouble

    def publish(self, record: Record) -> asyncio.Future[None]:
        """Publish a record; the future is done once Kafka has acknowledged it.

        That takes `publish_timeout_seconds` at most; then the future raises `Unavailable`. It raises `TooLarge`
        if Kafka refuses the record for its size.

        Raises:
            Unavailable: Kafka has been away for longer than that already, or too many bytes wait for it.
        """
        length_bytes = len(record.value)
        where = TopicPartition(record.topic, partition(record.key, self._settings.partitions))
        now = monotonic()
        self._refuse_if_away(where, now)
        if not self._budgets.kafka.take(length_bytes):
            raise Unavailable("Too many callbacks wait for Kafka.", Limit.KAFKA_BYTES)
        waiter: asyncio.Future[None] = self._loop.create_future()
        deadline = now + self._settings.publish_timeout_seconds
        self._waiting.open(where, length_bytes, deadline).add(record, waiter)
        self._schedule()
        return waiter

    async def publish_all(self, records: Sequence[Record]) -> list[Unavailable | Refused | None]:
        """Publish records together; of each, why it is not safe, or None once Kafka has acknowledged it.

        Their topics may be others than this installation's, and gone. To send there all the same would cost the
        producer, and perhaps create them.
        """
        try:
            gone = await self._link.missing({record.topic for record in records})
        except (KafkaError, OSError):
            return [Unavailable("Kafka is away.") for _ in records]
        return await asyncio.gather(*(self._end_of(record, gone) for record in records))

    def on_connected(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called each time that Kafka is there again."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Keep connected, and hold the deadlines, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            tasks.create_task(self._sweep())

    async def flush(self) -> None:
        """Wait until all is delivered, or cannot be within seconds."""
        self._idle.clear()
        if not self._waiting and not self._under_way:
            return
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            left_bytes = self._budgets.kafka.taken_bytes + self._budgets.late.taken_bytes
            logger().warning("records left undelivered", bytes=left_bytes)

    async def close(self) -> None:
        """End the connection; who still waits is told that the record is not safe."""
        for batch in (*self._under_way.values(), *self._waiting.expired(inf)):
            batch.settle(Unavailable("The ingress stops."))
        await self._link.close()
        deliveries = [batch.delivery for batch in self._under_way.values() if batch.delivery]
        for delivery in deliveries:
            delivery.cancel()
        if deliveries:
            await asyncio.wait(deliveries)

    async def _end_of(self, record: Record, gone: Set[str]) -> Unavailable | Refused | None:
        if record.topic in gone:
            return NoTopic("The topic does not exist, or has another number of partitions.")
        try:
            await self.publish(record)
        except (Unavailable, Refused) as error:
            return error
        return None

    def _refuse_if_away(self, where: TopicPartition, now: float) -> None:
        stuck = self._under_way.get(where)
        if stuck is not None and stuck.deadline <= now:
            raise Unavailable("Kafka does not acknowledge.")
        if self._link.producer is None and now - self._link.lost_at > self._settings.publish_timeout_seconds:
            raise Unavailable("Kafka takes nothing now.")

    def _connected(self) -> None:
        self._schedule()
        for listener in self._listeners:
            listener()

    def _schedule(self) -> None:
        if self._tick is not None:
            return
        if self._under_way:
            self._tick = self._loop.call_later(LINGER_SECONDS, self._depart)
        else:
            self._tick = self._loop.call_soon(self._depart)

    def _depart(self) -> None:
        """Give the producer the oldest batch of each partition that has none under way."""
        self._tick = None
        if (producer := self._link.producer) is None:
            return
        for where in self._waiting:
            if where not in self._under_way:
                batch = self._under_way[where] = self._waiting.pop(where)
                batch.producer = producer
                batch.delivery = self._loop.create_task(self._deliver(producer, batch))

    async def _deliver(self, producer: AIOKafkaProducer, batch: Batch) -> None:
        again: list[Batch] = []
        error: Unavailable | TooLarge | None = Unavailable("The record was given up.")
        try:
            await _send(producer, batch, self._settings.compression)
            error = None
        except _TOO_LARGE:
            if len(batch.records) > 1:
                again = batch.split()
            else:
                error = self._too_large(batch.records[0])
        except Exception as failure:  # noqa: BLE001 - whatever it was, this producer is of no more use
            self._link.replace(producer, failure)
            error = Unavailable("Kafka refused the record.")
            again = [batch] if batch.tries < _TRIES and not batch.settled else []
        finally:
            self._land(batch, again, error)

    def _too_large(self, record: Record) -> TooLarge:
        """Say loudly that a record cannot be published; what mends it is an operator's."""
        metrics.TOO_LARGE.inc()
        if monotonic() >= self._quiet_until:
            self._quiet_until = monotonic() + _QUIET_SECONDS
            logger().error(
                "kafka takes no record of this size",
                topic=record.topic,
                bytes=len(record.value),
                mend="Make the topic's max.message.bytes fit MIDI_INGEST_MAX_BODY_BYTES: `midi-ingest topics apply`.",
                max_body_bytes=self._settings.max_body_bytes,
            )
        return TooLarge("Kafka's limit is smaller than MIDI_INGEST_MAX_BODY_BYTES.")

    def _land(self, batch: Batch, again: list[Batch], error: Unavailable | TooLarge | None) -> None:
        """Free the partition; what is to be tried again goes before all that waits there."""
        del self._under_way[batch.partition]
        if again:
            self._waiting.put_back(again)
        else:
            batch.settle(error)
            batch.give_back()
        if self._waiting:
            self._schedule()
        elif not self._under_way:
            self._idle.set()

    async def _sweep(self) -> None:
        """Let nobody wait beyond a deadline; what a producer has then stays with it, and may still arrive."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = monotonic()
            for batch in self._waiting.expired(now):
                batch.settle(Unavailable(_LATE))
                batch.give_back()
            for batch in self._under_way.values():
                if batch.deadline > now:
                    continue
                batch.settle(Unavailable(_LATE))
                batch.count_in(self._budgets.late)  # a partition that hangs takes no room from the others
                if batch.producer is not self._link.producer and batch.delivery:
                    batch.delivery.cancel()  # a producer that was replaced may never have an end


async def _send(producer: AIOKafkaProducer, batch: Batch, compression: str) -> None:
    batch.tries += 1
    records = RecordBatch(
        (Entry(record.key, record.value, record.headers) for record in batch.records), compression
    )
    where = batch.partition
    sent = await producer.send_batch(records, where.topic, partition=where.partition)
    try:
        await asyncio.shield(sent)  # cancelled, it would break aiokafka's sender when that tries again
    except _TOO_LARGE as refusal:
        if records.sends > 1:
            # Kafka may have taken it before, and lost only the answer. Were its numbers given to another batch,
            # Kafka would take that for a repeat: acknowledge it, and drop it.
            raise KafkaError("Kafka refuses the size of what it may have taken before.") from refusal
        clients.take_back(producer, where, len(batch.records))
        raise
    metrics.PUBLISHED_BATCH_RECORDS.observe(len(batch.records))
