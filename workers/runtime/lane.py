"""A lane: partition number *p* of all topics that a worker reads, handled exactly once.

To open a lane:

1. Start the producer with the transactional id ``<prefix><worker>-<p>``. That fences whoever had the lane
   before, and settles a transaction that it left open.
2. Restore the state from partition *p* of the changelog, up to the end that it has now.
3. Ask for the group's committed offsets, which are certain only after step 1, and read on from there.

To handle a batch:

1. Call the worker's function for each record, outside of any transaction.
2. Begin a transaction; send what was returned, what failed and what changed in the state; wait for every ack.
3. Send the offsets to the transaction, commit it, and take over the state's changes.

Any error of Kafka's on the way leaves nothing behind: the lane is closed and opened anew. A lane that was
fenced waits a session time-out first: if it is a zombie, its group tells it so by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import takewhile
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import RecordMetadata

from broker import clients
from schemas import headers as h
from schemas.message import Topic
from schemas.topics import changelog
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.api import Timer, Worker
from workers.runtime.feeds import Feed, Opening, started
from workers.runtime.handle import Batch, Handler
from workers.runtime.measure import count, count_tick
from workers.runtime.record import Record, Write, from_kafka
from workers.runtime.state import LaneState
from workers.runtime.ticking import Ticking, moments
from workers.settings import WorkerSettings

BATCH_RECORDS: Final = 500
POLL_MS: Final = 60_000
TRANSACTION_TIMEOUT_SECONDS: Final = clients.TRANSACTION_TIMEOUT_MS / 1000
FENCED_PAUSE_SECONDS: Final = clients.SESSION_TIMEOUT_MS / 1000
LAST_BATCH_SECONDS: Final = 20.0
"""How long a stopping lane waits for the batch in work: the other members of its group wait with it."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0


class Lane:
    """Runs one worker's partition number until it is stopped."""

    def __init__(self, worker: Worker, partition: int, settings: WorkerSettings, handler: Handler) -> None:
        self._worker, self._partition, self._settings = worker, partition, settings
        self._handler, self._ticking = handler, Ticking(worker, settings)
        self._group = settings.topic_prefix + worker.name
        self._log = logger().bind(worker=worker.name, partition=partition)
        self._turn = asyncio.Lock()
        self._stopping = False
        self._pauses = _growing_pauses()
        self._existing: set[Topic] = set()
        self.ready = False

    async def run(self) -> None:
        """Open the lane and handle what it reads; after an error of Kafka's, again.

        Raises:
            StateError: the state cannot be had.
        """
        while True:
            pause = FENCED_PAUSE_SECONDS
            try:
                async with self._open() as (producer, state, feeds):
                    await self._consume(producer, state, feeds)
            except* ProducerFenced:
                self._log.warning("lane fenced: another process has it now, or a transaction timed out")
            except* (KafkaError, OSError) as errors:  # a TimeoutError is an OSError
                pause = next(self._pauses)
                self._log.warning("lane interrupted", error=_first_of(errors), again_in_s=pause)
            metrics.LANE_RESTARTS.labels(self._worker.name).inc()
            await asyncio.sleep(pause)

    async def stop(self, task: asyncio.Task[None]) -> None:
        """Let the batch in work end, if it does so in time, then end ``task``, which runs this lane.

        A function that does not return goes on in its thread, but what it returns is not written any more.
        """
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_BATCH_SECONDS), self._turn:
                pass
        task.cancel()
        await asyncio.wait([task])

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[AIOKafkaProducer, LaneState | None, list[Feed]]]:
        async with contextlib.AsyncExitStack() as stack:
            opening = Opening(stack, self._worker, self._partition, self._settings)
            producer = clients.producer(self._settings, transactional_id=f"{self._group}-{self._partition}")
            await started(stack, producer)
            state, feeds = await opening.state(), await opening.feeds()
            self._existing.clear()  # a topic may be gone: that may be why the lane opens anew
            self.ready = True
            stack.callback(setattr, self, "ready", False)
            self._log.debug("lane ready", state_keys=len(state) if state is not None else None)
            yield producer, state, feeds

    async def _consume(self, producer: AIOKafkaProducer, state: LaneState | None, feeds: list[Feed]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for feed in feeds:
                tasks.create_task(self._follow(feed, producer, state))
            for timer in self._worker.timers:
                tasks.create_task(self._tick(timer, producer, state))

    async def _tick(self, timer: Timer, producer: AIOKafkaProducer, state: LaneState | None) -> None:
        """Call a timer at each of its moments, between batches; what it leads to is a transaction of its own."""
        async for moment in moments(timer):
            async with self._turn:
                if self._stopping:
                    raise asyncio.CancelledError
                tick = await asyncio.to_thread(self._ticking.tick, timer, moment, self._partition, state)
                if tick.error:
                    self._log.error("timer failed", timer=timer.name, exc_info=tick.error)
                elif tick.writes:
                    await self._transact(producer, tick.writes, (), state)
                count_tick(self._worker.name, tick)

    async def _follow(self, feed: Feed, producer: AIOKafkaProducer, state: LaneState | None) -> None:
        pauses = _growing_pauses()
        while True:
            polled = await feed.consumer.getmany(
                feed.partition, timeout_ms=POLL_MS, max_records=BATCH_RECORDS
            )
            waiting = deque(map(from_kafka, polled.get(feed.partition, ())))
            while waiting:
                await _until_due(waiting[0], feed.delay_seconds)
                due = list(takewhile(lambda r: _seconds_until_due(r, feed.delay_seconds) <= 0, waiting))
                blocked = await self._handle(due, waiting, producer, state)
                if not blocked:
                    pauses = _growing_pauses()
                    continue
                pause = next(pauses)
                self._log.warning("waiting for what every record needs", error=str(blocked), again_in_s=pause)
                await asyncio.sleep(pause)

    async def _handle(
        self,
        due: Sequence[Record],
        waiting: deque[Record],
        producer: AIOKafkaProducer,
        state: LaneState | None,
    ) -> Exception | None:
        """Handle the first of the due records as one batch and take them out of ``waiting``."""
        async with self._turn:
            if self._stopping:  # this feed was next when the lane was told to stop
                raise asyncio.CancelledError
            started = time.monotonic()
            batch = await asyncio.to_thread(self._handler.handle, due, state)
            handled = due[: batch.handled]
            if handled:
                called = time.monotonic()
                await self._transact(producer, batch.writes, handled, state)
                self._pauses = _growing_pauses()
                self._tell(batch, handled, state, called - started, time.monotonic() - called)
        for _ in handled:
            waiting.popleft()
        return batch.blocked

    async def _transact(
        self,
        producer: AIOKafkaProducer,
        made: Sequence[Write],
        handled: Sequence[Record],
        state: LaneState | None,
    ) -> None:
        """One transaction; on an error it stays open until the lane's next producer settles it.

        Once it is committed, the changes of the state are too.
        """
        layout = self._settings.layout
        offsets = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in handled}
        writes = [await self._deliverable(producer, write) for write in made]
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            await producer.begin_transaction()
            acks = [
                await producer.send(
                    layout.name(write.topic),
                    key=write.key,
                    value=write.value,
                    partition=self._partition if write.partition is None else write.partition,
                    headers=h.to_wire(write.headers),
                    timestamp_ms=write.timestamp_ms,
                )
                for write in writes
            ]
            # A send that failed does not fail the transaction by itself.
            written: list[RecordMetadata] = await asyncio.gather(*acks)
            if offsets:
                await producer.send_offsets_to_transaction(offsets, self._group)
            await producer.commit_transaction()
        if state is not None and state.changed:
            await asyncio.to_thread(state.commit, self._position_behind(written))

    def _position_behind(self, written: Sequence[RecordMetadata]) -> int | None:
        """The changelog's offset behind what was just written there; None where Kafka did not tell it."""
        name = self._settings.layout.name(changelog(self._worker.name, self._settings.dedup_window))
        offsets = [metadata.offset for metadata in written if metadata.topic == name]
        return max(offsets) + 1 if offsets and min(offsets) >= 0 else None

    async def _deliverable(self, producer: AIOKafkaProducer, write: Write) -> Write:
        """The write itself, or what stands in for it where its topic is gone: sending there would never end."""
        if write.otherwise is None or write.topic in self._existing:
            return write
        cluster = await producer.client.fetch_all_metadata()
        partitions = cluster.partitions_for_topic(self._settings.layout.name(write.topic))
        if self._partition not in (partitions or ()):
            return write.otherwise
        self._existing.add(write.topic)
        return write

    def _tell(
        self,
        batch: Batch,
        handled: Sequence[Record],
        state: LaneState | None,
        called_s: float,
        committed_s: float,
    ) -> None:
        count(self._worker.name, batch, handled, called_s, committed_s)
        if state is not None:
            metrics.STATE_KEYS.labels(self._worker.name, str(self._partition)).set(len(state))
            metrics.STATE_BYTES.labels(self._worker.name, str(self._partition)).set(state.size_bytes)
        if batch.failed:
            reasons, first = dict(batch.failed), handled[0].position
            self._log.warning("records failed", reasons=reasons, first=first, exc_info=batch.error)


async def _until_due(record: Record, delay_seconds: int) -> None:
    if (seconds := _seconds_until_due(record, delay_seconds)) > 0:
        await asyncio.sleep(seconds)


def _seconds_until_due(record: Record, delay_seconds: int) -> float:
    return record.timestamp_ms / 1000 + delay_seconds - time.time() if delay_seconds else 0.0


def _growing_pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _first_of(errors: BaseExceptionGroup[BaseException]) -> str:
    """The first error of a group of groups, in words."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
