"""Doing things no faster than so many a second."""

from __future__ import annotations

import asyncio
import time
from typing import Final

BATCH_MAX: Final = 100


class Pace:
    """At most ``rate`` a second on average since it was made; as fast as may be without one."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._done, self._started = rate, 0, time.monotonic()

    @property
    def batch(self) -> int:
        """How many to do at once: what one second allows, at most `BATCH_MAX`."""
        return BATCH_MAX if self._rate is None else min(BATCH_MAX, max(1, int(self._rate)))

    async def take(self, number: int) -> None:
        """Wait until so many more may be done."""
        if self._rate is not None:
            early = self._started + self._done / self._rate - time.monotonic()
            await asyncio.sleep(max(0.0, early))
        self._done += number
