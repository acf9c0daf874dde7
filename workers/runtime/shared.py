"""What all lanes of a process share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from workers.runtime.api import Worker
from workers.runtime.deadlines import Watch
from workers.runtime.feed import BATCH_BYTES
from workers.runtime.handle import BUDGET_BYTES
from workers.runtime.side_by_side import SideBySide
from workers.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Shared:
    """``watch`` ends the process when a call takes too long; ``side_by_side`` keeps suspect calls from others;
    ``batches`` lets so many be in work at once as may be held in memory.
    """

    watch: Watch
    side_by_side: SideBySide
    batches: asyncio.Semaphore


def shared(workers: Sequence[Worker], settings: WorkerSettings) -> Shared:
    """What the lanes of these workers share."""
    deadlines = {w.name: w.deadline_seconds or settings.call_deadline_seconds for w in workers}
    batches = settings.worker_max_in_flight_bytes // (BATCH_BYTES + BUDGET_BYTES)
    return Shared(Watch(deadlines), SideBySide(), asyncio.Semaphore(batches))
