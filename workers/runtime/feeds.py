"""What a lane opens before it works: its state, restored, and its feeds, each where the group left off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from broker import clients
from broker.changelogs import identify
from schemas.message import Topic
from schemas.topics import NOW, changelog
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.api import Worker, all_delays
from workers.runtime.state import LaneState, files
from workers.runtime.state.restore import Source, restore
from workers.runtime.state.sqlite import SqliteStore
from workers.settings import WorkerSettings, delay_seconds

START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 5

# aiokafka keeps one fetch in flight, for the partitions of a consumer that have no records buffered; what arrives
# on another one meanwhile waits for its return. A consumer with one partition cannot miss its own records, so
# Kafka may hold its fetch long, and an idle lane costs nearly nothing.
FETCH_WAIT_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Feed:
    """A partition whose records are handled once they have waited ``delay_seconds``."""

    consumer: AIOKafkaConsumer
    partition: TopicPartition
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens clients for one worker's partition number; all of them are stopped with ``stack``."""

    stack: contextlib.AsyncExitStack
    worker: Worker
    partition: int
    settings: WorkerSettings

    @property
    def group(self) -> str:
        """The worker's consumer group."""
        return self.settings.topic_prefix + self.worker.name

    async def feeds(self) -> list[Feed]:
        """One for each source and one for each retry delay, at the group's committed offsets.

        Each source has a consumer of its own, so that none waits for another's fetch; the retries share one.
        """
        live = [(await self._reader([topic]))[0] for topic in self.worker.sources]
        topics = self.worker.retry_topics(all_delays(self.settings))
        waiting = await self._reader(list(topics.values())) if topics else []
        delays = [0 if delay == NOW else delay_seconds(delay) for delay in topics]
        return live + [Feed(f.consumer, f.partition, delay) for f, delay in zip(waiting, delays, strict=True)]

    async def state(self) -> LaneState | None:
        """What the worker remembers, restored from its changelog; None if it remembers nothing.

        Raises:
            StateError: the changelog cannot be read, or the store's directory not be written to.
        """
        if not self.worker.state_type:
            return None
        window = self.settings.dedup_window
        store = await self._store(window)
        async with self.changelog() as source:
            await restore(store, source, self.worker.name, self.worker.state_type)
        return LaneState(self.worker.state_type, window, store)

    @contextlib.asynccontextmanager
    async def changelog(self) -> AsyncIterator[Source]:
        """This lane's partition of the worker's changelog, and a consumer of it."""
        tp = self._partition_of(changelog(self.worker.name, self.settings.dedup_window))
        identity = await identify(self.settings, tp.topic)
        async with contextlib.AsyncExitStack() as stack:
            consumer = clients.reader(self.settings)
            await started(stack, consumer)
            consumer.assign([tp])
            yield Source(consumer, tp, identity)

    async def _store(self, window: timedelta) -> SqliteStore:
        """The lane's store; closed with ``stack``, also if it is still being opened then."""
        path = files.path_of(self.settings, self.worker.name, self.partition)
        window_ms = int(window.total_seconds() * 1000)
        opening = asyncio.ensure_future(asyncio.to_thread(files.open_store, path, window_ms))
        self.stack.push_async_callback(_closed, opening)
        return await asyncio.shield(opening)

    async def _reader(self, topics: Sequence[Topic]) -> list[Feed]:
        """A consumer of this lane's partition of some topics."""
        consumer = clients.reader(self.settings, group=self.group, fetch_max_wait_ms=FETCH_WAIT_MS)
        partitions = [self._partition_of(topic) for topic in topics]
        await started(self.stack, consumer)
        consumer.assign(partitions)
        beginnings, ends = (
            await consumer.beginning_offsets(partitions),
            await consumer.end_offsets(partitions),
        )
        for tp in partitions:
            committed = await consumer.committed(tp)
            consumer.seek(tp, self._start(tp, committed, beginnings[tp], ends[tp]))
        return [Feed(consumer, tp) for tp in partitions]

    def _partition_of(self, topic: Topic) -> TopicPartition:
        return TopicPartition(self.settings.layout.name(topic), self.partition)

    def _start(self, tp: TopicPartition, committed: int | None, beginning: int, end: int) -> int:
        """The offset to read on from; that the log does not hold the committed one is an error."""
        if committed is None or beginning <= committed <= end:
            return beginning if committed is None else committed
        log = logger().bind(
            worker=self.worker.name, topic=tp.topic, partition=tp.partition, committed=committed
        )
        if committed < beginning:
            log.error("records lost to retention", beginning=beginning)
            metrics.OFFSETS_LOST.labels(self.worker.name, tp.topic).inc(beginning - committed)
        else:
            log.error("the topic was made anew; reading all of it", end=end)
        return beginning


async def _closed(opening: asyncio.Future[SqliteStore]) -> None:
    await asyncio.wait([opening])
    if not opening.exception():
        await asyncio.to_thread(opening.result().close)


class _Client(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


async def started(stack: contextlib.AsyncExitStack, client: _Client) -> None:
    """Start a client and have it stopped with the stack, also if its start fails midway."""
    stack.push_async_callback(stopped, client)
    async with asyncio.timeout(START_TIMEOUT_SECONDS):
        await client.start()


async def stopped(client: _Client) -> None:
    """Stop a client; one that cannot reach Kafka any more, or is fenced, has nothing left to do there."""
    with contextlib.suppress(KafkaError, OSError):
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await client.stop()
