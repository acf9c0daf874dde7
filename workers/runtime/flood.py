"""A flood of failures: when everything fails, the cause is none of the records.

A lane in which so many calls in a row end by errors that nobody foresaw pauses. It tries a single record at growing
pauses; once one succeeds it goes on at full speed. What a record is rejected for does not count, so that no sender can
stop a worker; nor does what fails another time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.pauses import growing_pauses

LONGEST_PAUSE_SECONDS: Final = 30.0


class Flood:
    """The run of failures of one lane."""

    def __init__(self, worker: str, partition: int, limit: int) -> None:
        self._limit = limit
        self._run = 0
        self._one_by_one = asyncio.Lock()
        self._pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
        self._log = logger().bind(worker=worker, partition=partition)
        self._paused = metrics.PAUSED.labels(worker, str(partition))
        self._paused.set(0)

    @property
    def rising(self) -> bool:
        """Whether the lane is to pause."""
        return self._run >= self._limit

    def note(self, *, well: bool | None) -> None:
        """A call has ended well or by an unforeseen error; with None, neither is known of it."""
        if well is None:
            return
        was_rising, self._run = self.rising, 0 if well else self._run + 1
        if self.rising and not was_rising:
            self._paused.set(1)
            self._log.error("flood of failures: pausing, trying single records", in_a_row=self._run)
        if was_rising and not self.rising:
            self._paused.set(0)
            self._pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
            self._log.info("flood of failures is over")

    @contextlib.asynccontextmanager
    async def gate(self) -> AsyncIterator[None]:
        """Through it at once; in a flood only one by one, each after a pause."""
        if not self.rising:
            yield
            return
        async with self._one_by_one:
            if self.rising:
                await asyncio.sleep(next(self._pauses))
            yield

    def close(self) -> None:
        """The lane is given up: it pauses no more."""
        self._paused.set(0)
