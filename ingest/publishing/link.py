"""The link to Kafka: a producer that is connected, watched, and replaced when it fails or falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from broker import clients, refusals, topics
from broker.security import SecurityError
from ingest.settings import IngressSettings
from schemas.callback import Callback
from schemas.topics import FAILURES
from telemetry import metrics
from telemetry.logs import logger

PROBE_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 5.0
"""Kafka counts as reachable as long as it was heard of so recently."""

LOST_SECONDS: Final = 30.0
"""A producer that has heard nothing for so long is replaced: a new one asks the bootstrap servers again."""

NEEDED: Final = (Callback.topic, FAILURES)
"""The topics that the ingress writes."""

_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 3.0

_SILENT: Final = "Kafka does not answer."


class Link:
    """Keeps one producer; ``on_connected`` is called with each new one.

    After a produce error that aiokafka does not retry, each later send to that partition fails too (aiokafka
    #1017). So the producer is replaced; the old one delivers in the background what it still can. Only what Kafka
    refuses for its size can be taken back (`clients.take_back`).
    """

    def __init__(self, settings: IngressSettings, on_connected: Callable[[], None]) -> None:
        self.producer: AIOKafkaProducer | None = None
        self.lost_at = monotonic()
        """Since when there has been no producer, as long as there is none."""
        self._settings = settings
        self._topics = {settings.layout.name(topic) for topic in NEEDED}
        self._on_connected = on_connected
        self._log = logger().bind()
        self._failed = asyncio.Event()
        self._heard_at = 0.0
        self._trouble = "Kafka has not answered yet."
        self._denied = ""
        self._retired: set[asyncio.Task[None]] = set()

    @property
    def fresh(self) -> bool:
        """Whether Kafka was reachable and had the topics a moment ago; asks nobody."""
        return self.producer is not None and monotonic() - self._heard_at < FRESH_SECONDS

    @property
    def trouble(self) -> str:
        """Why Kafka takes nothing now, in words for an operator; empty while it does."""
        return "" if self.fresh else self._trouble

    async def run(self) -> None:
        """Keep a producer connected, and watch it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_connected())
            tasks.create_task(self._watch())

    def replace(self, producer: AIOKafkaProducer, why: object) -> None:
        """Take a producer out of use, unless it is already."""
        if producer is self.producer:
            self._denied = refusals.denial(why)
            self._log.warning("producer replaced", why=self._denied or repr(why))
            metrics.PRODUCER_RESTARTS.inc()
            self._retire()

    async def missing(self, names: Set[str]) -> Set[str]:
        """Which topics are not there, or have another number of partitions; asks Kafka only after those of others.

        Raises:
            KafkaError: Kafka cannot be reached.
        """
        if not (foreign := names - self._topics):
            return frozenset()
        counts = await topics.partition_counts(self._settings)
        return {name for name in foreign if counts.get(name) != self._settings.partitions}

    async def close(self) -> None:
        """End all producers within seconds."""
        self._retire()
        if self._retired:
            await asyncio.wait(self._retired)

    def _retire(self) -> None:
        producer, self.producer = self.producer, None
        self.lost_at = monotonic()
        self._failed.set()
        if producer is not None:
            task = asyncio.create_task(clients.end(producer, _STOP_SECONDS))
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)

    async def _keep_connected(self) -> None:
        while True:
            if self._denied:  # it would be denied at once; until then `trouble` tells why
                self._trouble = _refused(self._denied)
                await asyncio.sleep(_LONGEST_PAUSE_SECONDS)
            self.producer = await self._connect()
            self._heard_at = monotonic()
            self._trouble, self._denied = _SILENT, ""
            self._failed.clear()
            self._log.info("connected to kafka", servers=self._settings.kafka_bootstrap_servers)
            self._on_connected()
            await self._failed.wait()

    async def _connect(self) -> AIOKafkaProducer:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._open()
            except topics.TopicsError as error:
                self._trouble = str(error)
                self._log.error("topics are not as they must be", error=str(error), again_in_s=pause)
            except SecurityError as error:
                self._trouble = str(error)
                self._log.error("settings of kafka cannot be used", error=str(error), again_in_s=pause)
            except (KafkaError, OSError) as error:  # a TimeoutError is an OSError
                told = refusals.refusal_of(error)
                self._trouble = _refused(told) if told else _SILENT
                self._log.warning("no connection to kafka", error=refusals.in_words(error), again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _open(self) -> AIOKafkaProducer:
        await topics.check(self._settings, NEEDED)
        producer = clients.producer(self._settings)
        try:
            await producer.start()
            for topic in self._topics:  # so that the first callback need not ask
                await producer.partitions_for(topic)
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _watch(self) -> None:
        before = ""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if (producer := self.producer) is None:
                continue
            trouble = await self._ask(producer)
            if trouble != before:
                self._tell(trouble)
            before = trouble
            if not trouble:
                self._heard_at = monotonic()
            elif monotonic() - self._heard_at > LOST_SECONDS:
                self.replace(producer, "it has heard nothing for too long")

    def _tell(self, trouble: str) -> None:
        if trouble:
            self._trouble = trouble
            self._log.warning("kafka takes nothing", why=trouble)
        else:
            self._log.warning("kafka answers again")

    async def _ask(self, producer: AIOKafkaProducer) -> str:
        """What is wrong: no broker answers in time, or the topic has gone; empty where nothing is."""
        topic = self._settings.layout.name(Callback.topic)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                answered = await producer.client.force_metadata_update()
        except TimeoutError:
            return _SILENT
        if not answered:
            return _refused(told) if (told := refusals.refusal()) else _SILENT
        if producer.client.cluster.partitions_for_topic(topic) is None:
            return f"The topic {topic} has gone. Create it with `midi-ingest topics apply`."
        return ""


def _refused(why: str) -> str:
    return f"Kafka refuses: {why}"
