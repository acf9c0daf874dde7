"""Doing much in small steps: in bounded batches, and no faster than so many a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

BATCH_MAX: Final = 100
BATCH_BYTES: Final = 8 * 1024 * 1024

T = TypeVar("T")


class Pace:
    """At most ``rate`` a second on average since it was made; as fast as may be without one."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._done, self._started = rate, 0, time.monotonic()

    @property
    def batch_max(self) -> int:
        """How many to do at once: what one second allows, at most `BATCH_MAX`."""
        return BATCH_MAX if self._rate is None else min(BATCH_MAX, max(1, int(self._rate)))

    async def take(self, number: int) -> None:
        """Wait until so many more may be done."""
        if self._rate is not None:
            early = self._started + self._done / self._rate - time.monotonic()
            await asyncio.sleep(max(0.0, early))
        self._done += number


def batches(items: Iterable[T], batch_max: int, size_bytes: Callable[[T], int]) -> Iterator[list[T]]:
    """Some items in their order, bounded by number and bytes; one that is larger is a batch of its own."""
    batch: list[T] = []
    total_bytes = 0
    for item in items:
        if batch and (len(batch) == batch_max or total_bytes + size_bytes(item) > BATCH_BYTES):
            yield batch
            batch, total_bytes = [], 0
        batch.append(item)
        total_bytes += size_bytes(item)
    if batch:
        yield batch
