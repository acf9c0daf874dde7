"""Calls of a worker's function: in a thread that holds up no end, and within a deadline.

Nothing can interrupt a function that does not return. So a process in which one is over its deadline says which record
it had and exits at once; that counts as a death of this record (see `workers.runtime.mark`).
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Final, TypeVar

from telemetry.logs import logger
from workers.runtime.flood import Flood
from workers.runtime.record import Record

EXIT_OVER_DEADLINE: Final = 3
"""The exit code of a process whose function did not return in time."""

_TICK_SECONDS: Final = 1.0
_STDERR: Final = 2
"""The process' own, whatever stands in for `sys.stderr`: faulthandler writes to a descriptor."""

T = TypeVar("T")


class Calls:
    """The calls of one lane: a thread of its own, how long the function has been at what, how calls end.

    The thread is not one of asyncio's, for whose end Python waits, and so would wait for a function for ever.
    """

    def __init__(self, worker: str, deadline_seconds: float, flood: Flood) -> None:
        self.worker, self.deadline_seconds = worker, deadline_seconds
        self._flood = flood
        self.at: str | None = None
        self.seconds = 0.0
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"{worker}-calls", daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether the thread has anything to do, or may get it."""
        return self._thread.is_alive()

    async def do(self, job: Callable[[], T], what: str) -> T:
        """Do a job in the thread; one that is cancelled there goes on, and its result is nobody's."""
        result: Future[T] = Future()

        def begin() -> T:
            self.seconds, self.at = 0.0, what
            return job()

        self._jobs.put(lambda: _do(begin, result))
        return await asyncio.wrap_future(result)

    def begins(self, record: Record) -> None:
        """The function is called for this record now."""
        self.seconds, self.at = 0.0, record.position

    def ended(self, *, well: bool | None) -> bool:
        """The call has ended; whether the batch may go on."""
        self._flood.note(well=well)
        return not self._flood.rising

    def end(self) -> None:
        """Let the thread end once it is done."""
        self._jobs.put(None)

    def _run(self) -> None:
        for job in iter(self._jobs.get, None):
            try:
                job()
            finally:
                self.at = None


class Watch:
    """Watches the calls of all lanes of a process; ``deadlines_seconds`` has each worker's."""

    def __init__(self, deadlines_seconds: Mapping[str, float]) -> None:
        self._deadlines_seconds = deadlines_seconds
        self._calls: set[Calls] = set()

    def calls(self, worker: str, flood: Flood) -> Calls:
        """Those of one more lane, watched until their thread has ended."""
        self._calls = {calls for calls in self._calls if calls.lives}
        calls = Calls(worker, self._deadlines_seconds[worker], flood)
        self._calls.add(calls)
        return calls

    async def run(self) -> None:
        """Exit when a call is over its deadline; until cancelled.

        A function may also keep Python from doing anything else, as a regular expression does. Then a thread of
        faulthandler's, which needs no Python, shows where it is and exits.
        """
        silence_seconds = max(self._deadlines_seconds.values()) + 2 * _TICK_SECONDS
        before = time.monotonic()
        try:
            while True:
                faulthandler.dump_traceback_later(silence_seconds, exit=True, file=_STDERR)
                await asyncio.sleep(_TICK_SECONDS)
                # A process that was stopped and goes on has not been working meanwhile.
                passed, before = min(time.monotonic() - before, 2 * _TICK_SECONDS), time.monotonic()
                for calls in self._calls:
                    _grow_older(calls, passed)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _grow_older(calls: Calls, seconds: float) -> None:
    at = calls.at
    if at is None:
        return
    calls.seconds += seconds
    if calls.seconds > calls.deadline_seconds:
        logger().critical(
            "function does not return: exiting",
            worker=calls.worker,
            at=at,
            deadline_s=calls.deadline_seconds,
        )
        os._exit(EXIT_OVER_DEADLINE)


def _do(job: Callable[[], T], result: Future[T]) -> None:
    if not result.set_running_or_notify_cancel():
        return
    try:
        result.set_result(job())
    except BaseException as error:  # noqa: BLE001 - whoever waits for the job is told
        result.set_exception(error)
