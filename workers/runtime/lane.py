"""A lane: partition number *p* of all topics that a worker reads, handled in order and by the worker's guarantee.

To open a lane:

1. Open its writer. For exactly once that starts a producer with the transactional id ``<prefix><worker>-<p>``, which
   fences whoever had the lane before, and settles a transaction that it left open.
2. Restore the state from partition *p* of the changelog, up to the end that it has now.
3. Ask for the group's committed offsets, which are certain only after step 1, and read on from there.

To handle a batch, which is what is due in a feed and in those in line behind it (`workers.runtime.joint_batch`):

1. Call the worker's function for each record, outside of any transaction. A batch against which something may speak is
   marked before (`workers.runtime.mark`).
2. Write what was returned, what failed and what changed in the state, and commit the offsets
   (`workers.runtime.guarantee`).
3. Take over the state's changes.

Any error of Kafka's on the way leaves nothing behind: the lane is closed and opened anew. A lane that was
fenced waits a session time-out first: if it is a zombie, its group tells it so by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, ProducerFenced

from schemas import reasons
from schemas.topics import changelog
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.api import Timer, Worker
from workers.runtime.cancellation import asked_for
from workers.runtime.feed import Feed
from workers.runtime.feeds import Opening
from workers.runtime.flood import Flood
from workers.runtime.guarantee import Guarantee, Offsets, Stretch, Writer
from workers.runtime.handle import Batch, Handler
from workers.runtime.joint_batch import Share, due_together, handled_of
from workers.runtime.measure import count, count_tick
from workers.runtime.pauses import growing_pauses
from workers.runtime.progress import FENCED, OPENING, PAUSED, READY, WAITING, Progress
from workers.runtime.record import Record, Write
from workers.runtime.shared import Shared
from workers.runtime.state import LaneState
from workers.runtime.ticking import Ticking, moments
from workers.runtime.trouble import Trouble, first_of
from workers.settings import WorkerSettings

LONGEST_PAUSE_SECONDS: Final = 15.0
UNMARK_SECONDS: Final = 3.0
"""How long a lane that is given up may take to say that nobody died of what it had in work."""


class Lane:
    """Runs one worker's partition number until it is stopped."""

    def __init__(
        self,
        worker: Worker,
        partition: int,
        settings: WorkerSettings,
        *,
        handler: Handler,
        guarantee: Guarantee,
        shared: Shared,
    ) -> None:
        self._worker, self._partition, self._settings = worker, partition, settings
        self._handler, self._ticking = handler, Ticking(worker, settings)
        self._guarantee, self._shared = guarantee, shared
        self._log = logger().bind(worker=worker.name, partition=partition)
        self._flood = Flood(worker.name, partition, settings.flood_failures)
        self._calls = shared.watch.calls(worker.name, self._flood)
        self._turn = asyncio.Lock()
        self._stopping = False
        self._trouble = Trouble(self._log)
        self._pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
        self.progress = Progress()
        self.feeds: Sequence[Feed] = ()
        """What the lane reads, while it is open."""

    async def run(self) -> None:
        """Open the lane and handle what it reads; after an error of Kafka's, again.

        Raises:
            StateError: the state cannot be had.
        """
        while True:
            pause = 0.0
            try:
                await asked_for(self._work())
            except* (ProducerFenced, CommitFailedError):
                pause = self._settings.session_timeout_seconds
                self.progress.becomes(FENCED)
                self._log.warning("lane fenced: another process has it now, or a transaction timed out")
            except* (KafkaError, OSError) as errors:  # a TimeoutError is an OSError
                pause = max(pause, next(self._pauses))  # both may have happened, in two feeds
                error = first_of(errors)
                self.progress.becomes(WAITING, f"after {type(error).__name__}")
                self._trouble.met("lane interrupted", error, pause)
            # A cancellation that meets an error within a task group is lost (Python's gh-116720).
            if self._stopping:
                return
            metrics.LANE_RESTARTS.labels(self._worker.name).inc()
            await asyncio.sleep(pause)

    @property
    def ready(self) -> bool:
        """Whether the lane is open."""
        return bool(self.feeds)

    async def stop(self, task: asyncio.Task[None], patience_seconds: float) -> None:
        """Let the batch in work end, if it does so in time, then end ``task``, which runs this lane.

        A function that does not return goes on in its thread, but what it returns is not written any more.
        """
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds), self._turn:
                pass
        task.cancel()
        await asyncio.wait([task])
        self._calls.end()
        self._flood.close()

    async def _work(self) -> None:
        async with self._open() as (writer, state, feeds):
            await self._consume(writer, state, feeds)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Writer, LaneState | None, list[Feed]]]:
        async with contextlib.AsyncExitStack() as stack:
            self.progress.becomes(OPENING)
            opening = Opening(stack, self._worker, self._partition, self._settings, self.progress)
            writer = await self._guarantee.writer(stack, self._partition)
            state, feeds = await opening.state(), await opening.feeds()
            if self._worker.begins == "newest" and (new := [feed for feed in feeds if feed.new]):
                # Else whoever opens the lane next, before there is a batch, would begin at another end.
                offsets = {tp: at for feed in new for tp, at in feed.at(feed.start, feed.mark).items()}
                await writer.commit((), offsets)
            self.feeds = feeds
            stack.callback(setattr, self, "feeds", ())
            self.progress.becomes(READY)
            self._log.debug("lane ready", state_keys=len(state) if state is not None else None)
            self._trouble.is_over()
            yield writer, state, feeds

    async def _consume(self, writer: Writer, state: LaneState | None, feeds: list[Feed]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for feed in feeds:
                tasks.create_task(asked_for(self._follow(feed, writer, state)))
            for timer in self._worker.timers:
                tasks.create_task(asked_for(self._tick(timer, writer, state)))

    async def _tick(self, timer: Timer, writer: Writer, state: LaneState | None) -> None:
        """Call a timer at each of its moments, between batches; what it leads to is a transaction of its own."""
        async for moment in moments(timer):
            async with self._turn:
                if self._stopping:
                    return
                async with self._shared.side_by_side.together():
                    tick = await self._calls.do(
                        lambda: self._ticking.tick(timer, moment, self._partition, state),  # noqa: B023
                        timer.name,
                    )
                if tick.error:
                    self._log.error("timer failed", timer=timer.name, exc_info=tick.error)
                elif tick.writes:
                    await self._commit(writer, tick.writes, {}, state)
                count_tick(self._worker.name, tick, self._settings.layout)

    async def _follow(self, feed: Feed, writer: Writer, state: LaneState | None) -> None:
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
        while True:
            await feed.wait()
            with feed.in_line():
                await feed.linger()
                async with self._flood.gate(), self._turn, self.progress.admitted(self._shared.batches):
                    if self._stopping:  # this feed was next when the lane was told to stop
                        return
                    # Where nothing waits any more, another feed's batch has taken it along.
                    blocked = await self._handle(feed, writer, state) if feed.waiting else None
            if not blocked:
                self._trouble.is_over()
                self.progress.becomes(PAUSED if self._flood.rising else READY)
                pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
                continue
            pause = next(pauses)
            self.progress.becomes(WAITING, f"({blocked})")
            self._trouble.met("waiting for what every record needs", blocked, pause)
            await asyncio.sleep(pause)

    async def _handle(self, feed: Feed, writer: Writer, state: LaneState | None) -> Exception | None:
        """Handle what is due as one batch, by itself where it is suspect; why it has to wait, if it has."""
        if killer := feed.killer():
            return await self._finish([Share(feed, [killer])], self._refuse(killer), writer, state)
        shares = await self._due(feed)
        due = [record for share in shares for record in share.records]
        if not due:  # another feed's batch has left what is not due yet, or the clock was set back
            return None
        beside = self._shared.side_by_side
        async with beside.alone() if feed.mark.tries else beside.together():
            if not feed.proved or feed.mark.careful:
                return await self._try(feed, due, writer, state)
            batch = await self._call(due, state)
        return await self._finish(shares, batch, writer, state)

    async def _due(self, feed: Feed) -> Sequence[Share]:
        """What is due: one record where each is looked at singly; of other feeds only where nothing is suspect."""
        if self._flood.rising or feed.mark.careful:
            return [Share(feed, await feed.due(1))]
        return await due_together(feed, self.feeds) if feed.proved else [Share(feed, await feed.due())]

    async def _try(
        self, feed: Feed, due: Sequence[Record], writer: Writer, state: LaneState | None
    ) -> Exception | None:
        """Handle a batch of which the process may die: say so before, and that it did not after."""
        found, first = feed.mark, due[0].offset
        await writer.commit((), feed.at(first, found.trying(due[-1].offset + 1)))
        try:
            batch = await self._call(due, state)
        except asyncio.CancelledError:
            with contextlib.suppress(KafkaError, OSError):
                async with asyncio.timeout(UNMARK_SECONDS):
                    await writer.commit((), feed.at(first, found))
            raise
        if not batch.handled:
            await writer.commit((), feed.at(first, found))
        return await self._finish([Share(feed, due)], batch, writer, state)

    async def _call(self, due: Sequence[Record], state: LaneState | None) -> Batch:
        started = time.monotonic()
        batch = await self._calls.do(lambda: self._handler.handle(due, state, self._calls), due[0].position)
        batch.seconds = time.monotonic() - started
        return batch

    def _refuse(self, record: Record) -> Batch:
        """What becomes of a record that killed the process which had it alone."""
        self._log.error("record killed its process: it becomes a dead letter", record=record.position)
        message = "The worker's process died while it had this record, and nothing else, in work."
        return self._handler.refuse(record, reasons.KILLED_WORKER, message)

    async def _finish(
        self, shares: Sequence[Share], batch: Batch, writer: Writer, state: LaneState | None
    ) -> Exception | None:
        """Write and commit what was handled."""
        if handled := list(handled_of(shares, batch.handled)):
            started = time.monotonic()
            offsets = {tp: at for feed, records in handled for tp, at in feed.behind(records).items()}
            await self._commit(writer, batch.writes, offsets, state)
            for feed, records in handled:
                feed.passed(records)
            self._pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
            everything = [record for share in handled for record in share.records]
            self._tell(batch, everything, state, time.monotonic() - started)
        return batch.blocked

    async def _commit(
        self, writer: Writer, writes: Sequence[Write], offsets: Offsets, state: LaneState | None
    ) -> None:
        """Write and commit; once that is done, the changes of the state are committed, too."""
        written = await writer.commit(writes, offsets)
        if state is not None and state.changed:
            await asyncio.to_thread(state.commit, self._position_behind(written, state))

    def _position_behind(self, written: Sequence[Stretch], state: LaneState) -> int | None:
        """The changelog's offset behind what was just written there.

        None where Kafka did not tell it, or where somebody who is not fenced may have written in between.
        """
        name = self._settings.layout.name(changelog(self._worker.name, self._settings.dedup_window))
        stretches = [s.offsets for s in written if s.partition == TopicPartition(name, self._partition)]
        told = [offsets for offsets in stretches if offsets is not None]
        if not told or len(told) < len(stretches):
            return None
        fenced = self._worker.guarantee == "exactly-once"
        alone = told[0].start == state.position and all(a.stop == b.start for a, b in pairwise(told))
        return told[-1].stop if fenced or alone else None

    def _tell(
        self, batch: Batch, handled: Sequence[Record], state: LaneState | None, committed_s: float
    ) -> None:
        count(self._worker.name, batch, handled, committed_s, self._settings.layout)
        if state is not None:
            metrics.STATE_KEYS.labels(self._worker.name, str(self._partition)).set(len(state))
            metrics.STATE_BYTES.labels(self._worker.name, str(self._partition)).set(state.size_bytes)
        if batch.failed:
            failed, first = dict(batch.failed), handled[0].position
            self._log.warning("records failed", reasons=failed, first=first, exc_info=batch.error)
