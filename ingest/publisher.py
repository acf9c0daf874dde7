"""Publishing callbacks: one producer, replaced when it fails, while no caller waits longer than it may.

Kafka may be away at any time, also at the start. A record counts as published only once Kafka has
acknowledged it; of one that it has not acknowledged in time nobody knows whether it will still arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from broker import clients, topics
from ingest.settings import IngressSettings
from schemas.callback import Callback
from schemas.headers import WireHeaders
from telemetry import metrics
from telemetry.logs import logger

IN_FLIGHT_BYTES: Final = 64 * 1024 * 1024
"""Bodies that wait for Kafka, together; the producer keeps one also after its sender was told 503."""

PROBE_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 5.0
"""Kafka counts as reachable as long as it was heard of so recently."""

LOST_SECONDS: Final = 30.0
"""A producer that has heard nothing for so long is replaced: a new one asks the bootstrap servers again."""

_ATTEMPTS: Final = 2
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 3.0


class Unavailable(Exception):
    """Kafka has not acknowledged a record, for the reason given; it may still arrive there."""


@dataclass(slots=True)
class _Record:
    """A record on its way; ``ack`` is what the producer promised for it, once it has it."""

    key: bytes
    body: bytes
    headers: WireHeaders
    ack: asyncio.Future[object] | None = None


@contextlib.asynccontextmanager
async def publishing(
    settings: IngressSettings, *, on_failure: Callable[[], None]
) -> AsyncIterator[Publisher]:
    """A publisher that connects in the background while the block runs; at its end it delivers what it has.

    Should keeping it connected fail for a reason that waiting does not mend, ``on_failure`` is called, and
    the error is raised at the end of the block.
    """
    publisher = Publisher(settings)
    keeper = asyncio.create_task(publisher.run())
    keeper.add_done_callback(lambda _: on_failure())
    try:
        yield publisher
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])
        await publisher.close()
        if not keeper.cancelled():
            keeper.result()


class Publisher:
    """Publishes to the topic of callbacks; `publishing` starts and stops it.

    After a produce error that aiokafka does not retry, each later send to that partition fails too (aiokafka
    #1017). So the producer is replaced: the old one delivers what it still can, and what failed in it goes to
    the new one.
    """

    def __init__(self, settings: IngressSettings) -> None:
        self._settings = settings
        self._topic = settings.layout.name(Callback.topic)
        self._log = logger().bind(topic=self._topic)
        self._producer: AIOKafkaProducer | None = None
        self._connected, self._failed = asyncio.Event(), asyncio.Event()
        self._heard_at = 0.0
        self._in_flight_bytes = 0
        self._retired: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """Whether Kafka was reachable and had the topic a moment ago; asks nobody."""
        return self._producer is not None and monotonic() - self._heard_at < FRESH_SECONDS

    async def publish(self, key: bytes, body: bytes, headers: WireHeaders) -> None:
        """Return once Kafka has acknowledged the record, which takes `publish_timeout_seconds` at most.

        Raises:
            Unavailable: Kafka has not acknowledged it.
            ValueError: the body is larger than `max_body_bytes`: Kafka would refuse it, and others with it.
        """
        self._admit(len(body))
        record = _Record(key, body, headers)
        try:
            async with asyncio.timeout(self._settings.publish_timeout_seconds):
                await self._deliver(record)
        except TimeoutError:
            raise Unavailable("Kafka did not acknowledge the callback in time.") from None
        finally:
            self._release(record)

    async def run(self) -> None:
        """Keep a producer connected, and watch it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_connected())
            tasks.create_task(self._watch())

    async def close(self) -> None:
        """Deliver what producers still hold, as far as that can be done within seconds."""
        self._retire()
        if not self._retired:
            return
        _, late = await asyncio.wait(self._retired, timeout=_STOP_SECONDS)
        for task in late:
            self._log.warning("records left undelivered", bytes=self._in_flight_bytes)
            task.cancel()

    def _admit(self, length_bytes: int) -> None:
        if length_bytes > self._settings.max_body_bytes:
            raise ValueError(f"a body of {length_bytes} bytes is larger than max_body_bytes")
        if self._in_flight_bytes and self._in_flight_bytes + length_bytes > IN_FLIGHT_BYTES:
            raise Unavailable("Too many callbacks wait for Kafka.")
        self._in_flight_bytes += length_bytes

    def _release(self, record: _Record) -> None:
        """Count the record's bytes no longer, as soon as no producer holds them."""
        if record.ack is not None and not record.ack.done():
            record.ack.add_done_callback(lambda _: self._release(record))
        else:
            self._in_flight_bytes -= len(record.body)

    async def _deliver(self, record: _Record) -> None:
        for _ in range(_ATTEMPTS):
            producer = self._producer or await self._next_producer()
            try:
                record.ack = await producer.send(self._topic, record.body, record.key, headers=record.headers)
                await asyncio.shield(record.ack)  # cancelled or not, the record stays with the producer
            except MessageSizeTooLargeError as error:
                self._replace(producer, error)
                break
            except KafkaError as error:
                self._replace(producer, error)
            else:
                return
        raise Unavailable("Kafka refused the callback.")

    async def _next_producer(self) -> AIOKafkaProducer:
        while self._producer is None:
            await self._connected.wait()
        return self._producer

    def _replace(self, producer: AIOKafkaProducer, why: object) -> None:
        if producer is self._producer:
            self._log.warning("producer replaced", why=repr(why))
            metrics.PRODUCER_RESTARTS.inc()
            self._retire()

    def _retire(self) -> None:
        """Take the producer out of use; it ends in the background, once it has delivered what it can."""
        producer, self._producer = self._producer, None
        self._connected.clear()
        self._failed.set()
        if producer is not None:
            task = asyncio.create_task(producer.stop())
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)

    async def _keep_connected(self) -> None:
        while True:
            self._producer = await self._connect()
            self._heard_at = monotonic()
            self._failed.clear()
            self._connected.set()
            self._log.info("connected to kafka", servers=self._settings.kafka_bootstrap_servers)
            await self._failed.wait()

    async def _connect(self) -> AIOKafkaProducer:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._open()
            except (KafkaError, OSError, topics.TopicsError) as error:  # a TimeoutError is an OSError
                self._log.warning("no connection to kafka", error=str(error), again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _open(self) -> AIOKafkaProducer:
        await topics.check(self._settings, [Callback.topic])
        producer = clients.producer(self._settings)
        try:
            await producer.start()
            await producer.partitions_for(self._topic)  # so that the first callback need not ask
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _watch(self) -> None:
        answered = True
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if (producer := self._producer) is None:
                continue
            answers = await self._answers(producer)
            if answers is not answered:
                self._log.warning("kafka answers again" if answers else "kafka does not answer")
            answered = answers
            if answers:
                self._heard_at = monotonic()
            elif monotonic() - self._heard_at > LOST_SECONDS:
                self._replace(producer, "it has heard nothing for too long")

    async def _answers(self, producer: AIOKafkaProducer) -> bool:
        """Whether a broker answers in time and still has the topic."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                answered = await producer.client.force_metadata_update()
        except TimeoutError:
            return False
        return answered and producer.client.cluster.partitions_for_topic(self._topic) is not None
