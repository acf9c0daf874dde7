"""What a lane opens before it works: its state, restored, and its feeds, each where the group left off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from broker import clients
from broker.changelogs import identify
from broker.groups import committed_offsets
from schemas.message import Topic
from schemas.topics import NOW, changelog
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.api import Worker, all_delays, topic_of
from workers.runtime.cancellation import asked_for
from workers.runtime.feed import Feed
from workers.runtime.mark import Mark, found
from workers.runtime.progress import Progress
from workers.runtime.state import LaneState, files
from workers.runtime.state.restore import Source, restore
from workers.runtime.state.sqlite import SqliteStore
from workers.settings import WorkerSettings, delay_seconds

START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 5
OFFSETS_TIMEOUT_SECONDS: Final = 15
"""Somewhat more than a request of Kafka's may take: a lane that waits in vain opens anew."""

# aiokafka keeps one fetch in flight, for the partitions of a consumer that have no records buffered; what arrives
# on another one meanwhile waits for its return. A consumer with one partition cannot miss its own records, so
# Kafka may hold its fetch long, and an idle lane costs nearly nothing.
FETCH_WAIT_MS: Final = 5_000
RETRIES_FETCH_WAIT_MS: Final = 2_000
"""All retry topics of a lane share one: what comes to one of them waits for the others' fetch, at most so long."""

_NOTHING: Final = -1
"""The committed offset where nothing has been committed."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens clients for one worker's partition number; all of them are stopped with ``stack``."""

    stack: contextlib.AsyncExitStack
    worker: Worker
    partition: int
    settings: WorkerSettings
    progress: Progress = field(default_factory=Progress)

    @property
    def group(self) -> str:
        """The worker's consumer group."""
        return self.settings.topic_prefix + self.worker.name

    async def feeds(self) -> list[Feed]:
        """One for each source and one for each retry delay, at the group's committed offsets.

        Each source has a consumer of its own, so that none waits for another's fetch; the retries share one.
        """
        retries = {
            self._partition_of(topic): 0 if delay == NOW else delay_seconds(delay)
            for delay, topic in self.worker.retry_topics(all_delays(self.settings)).items()
        }
        sources = [self._partition_of(topic) for topic in self.worker.sources]
        committed = await self._committed([*sources, *retries])
        feeds = [feed for tp in sources for feed in await self._reader([tp], committed, FETCH_WAIT_MS)]
        if retries:
            feeds += await self._reader(list(retries), committed, RETRIES_FETCH_WAIT_MS)
        unhurried = {self._partition_of(topic_of(source)) for source in self.worker.unhurried}
        for feed in feeds:
            feed.delay_seconds = retries.get(feed.partition, 0)
            feed.unhurried = feed.partition in unhurried
        return feeds

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
        async with contextlib.AsyncExitStack() as stack:
            consumer = clients.reader(self.settings)
            await started(stack, consumer)
            consumer.assign([tp])
            yield Source(consumer, tp, await identify(consumer, tp.topic), self.progress)

    async def _store(self, window: timedelta) -> SqliteStore:
        """The lane's store; closed with ``stack``, also if it is still being opened then."""
        path = files.path_of(self.settings, self.worker.name, self.partition)
        window_ms = int(window.total_seconds() * 1000)
        opening = asyncio.ensure_future(asyncio.to_thread(files.open_store, path, window_ms))
        self.stack.push_async_callback(_closed, opening)
        return await asyncio.shield(opening)

    async def _committed(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, OffsetAndMetadata]:
        """What the group has committed, with what stands beside; an offset of -1 where there is nothing.

        Raises:
            KafkaError: the group's coordinator cannot tell now, or may not.
        """
        admin = clients.admin(self.settings)
        try:
            await clients.start_whole(admin.start(), OFFSETS_TIMEOUT_SECONDS)
            async with asyncio.timeout(OFFSETS_TIMEOUT_SECONDS):
                return await committed_offsets(admin, self.group, partitions)
        finally:
            await admin.close()

    async def _reader(
        self,
        partitions: Sequence[TopicPartition],
        committed: Mapping[TopicPartition, OffsetAndMetadata],
        fetch_wait_ms: int,
    ) -> list[Feed]:
        """A feed for each of these partitions of this lane, all with one consumer.

        Where Kafka deletes what has not been read, the lane opens anew and says so.
        """
        consumer = clients.reader(self.settings, fetch_max_wait_ms=fetch_wait_ms, skips_what_is_gone=False)
        await started(self.stack, consumer)
        consumer.assign(partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        feeds = []
        for tp in partitions:
            offset, metadata = committed[tp]
            start = self._start(tp, offset, beginnings[tp], ends[tp])
            consumer.seek(tp, start)
            mark = found(metadata) if start == offset else Mark()
            feeds.append(Feed(consumer, tp, start, mark=mark, new=offset == _NOTHING))
        return feeds

    def _partition_of(self, topic: Topic) -> TopicPartition:
        return TopicPartition(self.settings.layout.name(topic), self.partition)

    def _start(self, tp: TopicPartition, committed: int, beginning: int, end: int) -> int:
        """The offset to read on from; that the log does not hold the committed one is an error."""
        if committed == _NOTHING:
            return end if self.worker.begins == "newest" else beginning
        if beginning <= committed <= end:
            return committed
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
    await clients.start_whole(client.start(), START_TIMEOUT_SECONDS)


async def stopped(client: _Client) -> None:
    """Stop a client; one that cannot reach Kafka any more, or is fenced, has nothing left to do there."""
    with contextlib.suppress(KafkaError, OSError):
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await asked_for(client.stop())
