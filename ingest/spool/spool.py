"""The spool of one process of the ingress."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from ingest.record import Record
from ingest.spool import claim
from ingest.spool.claim import Claim
from ingest.spool.database import explained
from ingest.spool.drain import Drain, Send, Step
from ingest.spool.errors import SpoolBroken, SpoolCorrupt, SpoolError
from ingest.spool.file import SpoolFile, Why
from ingest.spool.held import Held, Use
from ingest.spool.inbox import Inbox
from ingest.spool.threads import do_aside
from telemetry import metrics
from telemetry.logs import logger

LOOK_SECONDS: Final = 3.0
"""Files that other processes have left are looked for so often, and at the start of each pass."""

ADOPTED_FILES: Final = 16
"""Files of others that are held at once; the rest waits."""

KEPT_BACK_SECONDS: Final = 300.0
"""What was kept back is tried again so often: an operator may have raised a limit, or created a topic."""

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 5.0

CLOSE_SECONDS: Final = 3.0
"""A disk that takes longer to close the files counts as hung: the process must end in time."""

QUIET_SECONDS: Final = 10.0
"""Refusals are logged no more often."""


class State(NamedTuple):
    """What this process's files hold.

    ``kept_back`` counts the records that are tried only rarely.
    """

    records: int
    size_bytes: int
    oldest_age_seconds: float
    kept_back: Mapping[Why, int]


@contextlib.asynccontextmanager
async def spooling(folder: Path, max_bytes: int) -> AsyncIterator[Spool]:
    """A spool in a folder, which other processes may use too; at the end of the block its files are left to them.

    Stop `Spool.drain` before the block ends.

    Raises:
        OSError: the folder cannot be written to; the message names it and the setting.
    """
    await asyncio.to_thread(claim.prepare, folder)
    spool = Spool(folder, max_bytes)
    try:
        yield spool
    finally:
        await spool.close()


class Spool:
    """Takes records that Kafka does not take now, and sends them when it does; `spooling` opens and closes it."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._held = Held()
        self._inbox = Inbox(
            folder, max_bytes, self._held, on_commit=self._committed, on_refusal=self._refused
        )
        self._looking: asyncio.Future[list[Claim]] | None = None
        self._told: set[str] = set()
        self._quiet_until = 0.0
        self._records_told = 0
        self._sent = self._sent_told = 0
        self._news, self._back = asyncio.Event(), asyncio.Event()
        self._stuck = self._left = False
        self._due = self._try_all_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def state(self) -> State:
        """What is in the spool now; asks nobody."""
        files = self._held.to_drain
        totals = [file.totals for file in files]
        received = [t.oldest for t in totals if t.oldest is not None]
        age = max(0.0, time.time() - min(received)) if received else 0.0
        kept_back = Counter(why for file in files for why in file.kept_back.values())
        records, size_bytes = sum(t.records for t in totals), sum(t.size_bytes for t in totals)
        return State(records, size_bytes, age, kept_back)

    async def append(self, record: Record) -> None:
        """Return once the record is on the disk. If cancelled, it may be written all the same.

        Raises:
            SpoolFull: the quota is reached, or the disk has little space left.
            SpoolBroken: SQLite or the disk failed.
        """
        await self._inbox.append(record)

    def wake(self) -> None:
        """Drain at once: Kafka is back."""
        self._back.set()
        self._news.set()

    async def drain(self, send: Send, ready: Callable[[], bool]) -> None:
        """Send what is spooled, here and in files that other processes have left, until cancelled.

        Nothing is sent while ``ready`` says no; a pass starts at the oldest record.
        """
        drain = Drain(send, ready)
        while True:
            if self._back.is_set() or time.monotonic() >= self._due:
                await self._begin_pass()
            self._back.clear()
            self._news.clear()
            stuck = not await self._go_on(drain)
            self._plan(stuck=stuck)
            self._report()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._due - time.monotonic()):
                    await (self._back if stuck else self._news).wait()

    async def close(self) -> None:
        """Commit what was appended, and leave the files to others; a disk that hangs has them until the process ends.

        What was committed is on the disk, and none of what was not has been acknowledged: nothing is lost.
        """
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close()
        except TimeoutError:
            logger().error("spool not closed: its disk does not answer", after_s=CLOSE_SECONDS)

    async def _close(self) -> None:
        await self._inbox.close()
        if self._looking is not None:
            await asyncio.wait([self._looking])
        await self._held.leave()

    async def _begin_pass(self) -> None:
        await self._adopt()
        if try_all := time.monotonic() >= self._try_all_at:
            self._try_all_at = time.monotonic() + KEPT_BACK_SECONDS
        for file in self._held.to_drain:
            file.cursor = 0
            if try_all:
                file.kept_back.clear()

    async def _go_on(self, drain: Drain) -> bool:
        """Send all that this pass has not tried; False if Kafka takes nothing now."""
        for file in self._held.to_drain:
            try:
                while (step := await drain.step(file)) is Step.WENT_ON:
                    self._sent = drain.sent
                    self._report()
                if step is Step.STUCK:
                    return False
                await self._remove_if_empty(file)
            except SpoolBroken as error:
                await self._drop(file, error)
        return True

    def _plan(self, *, stuck: bool) -> None:
        """When the next pass starts, if nothing happens before."""
        now = time.monotonic()
        left = any(file.totals.records > len(file.kept_back) for file in self._held.to_drain)
        new = left and not self._left
        if not stuck and (self._stuck or not left):
            self._pause = FIRST_PAUSE_SECONDS
        self._stuck, self._left = stuck, left
        if not (stuck or left):
            self._due = now + LOOK_SECONDS
        elif stuck or new or now >= self._due:
            self._due = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _remove_if_empty(self, file: SpoolFile) -> None:
        if await self._inbox.give_up_if_empty(file):
            await self._held.remove(file)

    async def _drop(self, file: SpoolFile, error: SpoolBroken) -> None:
        """Go on without a file that failed. The next pass tries it again, unless it is damaged for good."""
        metrics.SPOOL_ERRORS.inc()
        self._tell(file.path, error)
        if isinstance(error, SpoolCorrupt):
            self._held.go_on(file, Use.SET_ASIDE)

    async def _adopt(self) -> None:
        """Take over what other processes have left, as far as places are free."""
        places = ADOPTED_FILES - len(list(self._held.used(Use.DRAINED)))
        self._looking = do_aside(lambda: self._claim_left(places))
        try:
            claims = await asyncio.shield(self._looking)
        except asyncio.CancelledError:  # the thread goes on: what it claims must not stay claimed
            self._looking.add_done_callback(_release)
            raise
        adopted = [SpoolFile(one) for one in claims]
        for file in adopted:
            self._held.hold(file, Use.DRAINED)
        for file in adopted:
            try:
                await file.open()
                logger().info("spool file adopted", file=file.path.name, records=file.totals.records)
            except SpoolBroken as error:
                await self._drop(file, error)

    def _claim_left(self, places: int) -> list[Claim]:
        """Claims on files that nobody holds; what is left of removed ones is removed. Runs in a thread."""
        claims: list[Claim] = []
        path = self._folder
        try:
            for path in claim.paths(self._folder):
                if len(claims) < places and (taken := claim.take_left(path)):
                    claims.append(taken)
        except OSError as error:
            self._tell(path, explained(error))
        return claims

    def _tell(self, path: Path, error: SpoolError) -> None:
        """Log what is wrong with a file, once for each thing."""
        if (told := f"{path.name}: {error}") not in self._told:
            self._told.add(told)
            logger().error("spool file failed", file=path.name, error=str(error))

    def _committed(self, records: int) -> None:
        metrics.SPOOL_APPENDED.inc(records)
        self._news.set()
        self._report()

    def _refused(self, error: SpoolError) -> None:
        if isinstance(error, SpoolBroken):
            metrics.SPOOL_ERRORS.inc()
        if time.monotonic() >= self._quiet_until:
            logger().error("spool refuses records", error=str(error))
            self._quiet_until = time.monotonic() + QUIET_SECONDS

    def _report(self) -> None:
        """Tell metrics what is in the spool, and the log when it fills or is empty."""
        records, size_bytes, age, kept_back = self.state
        metrics.SPOOL_RECORDS.set(records)
        for why in Why:
            metrics.SPOOL_KEPT_BACK.labels(why.value).set(kept_back.get(why, 0))
        metrics.SPOOL_BYTES.set(size_bytes)
        metrics.SPOOL_OLDEST_AGE_SECONDS.set(age)
        if bool(records) is not bool(self._records_told):
            if records:
                logger().warning("spooling", records=records)
            else:
                logger().info("spool drained", records=self._sent - self._sent_told)
                self._sent_told = self._sent
        self._records_told = records


def _release(looking: asyncio.Future[list[Claim]]) -> None:
    for left in looking.result():
        left.release()
