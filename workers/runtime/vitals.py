"""How the lanes of a process are: looked at once a second, for its health checks and its metrics."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from aiokafka.errors import KafkaError

from broker.reader import SILENCE_SECONDS
from telemetry import metrics
from telemetry.health import Health
from telemetry.logs import logger
from workers.runtime.api import Worker
from workers.runtime.cancellation import asked_for
from workers.runtime.lane import Lane
from workers.runtime.lateness import LaneName, Lateness
from workers.runtime.member import Member
from workers.runtime.progress import READY, STATES, Progress
from workers.settings import WorkerSettings

LOOK_SECONDS: Final = 1.0


class Vitals:
    """Of all lanes of a process."""

    def __init__(
        self, workers: Sequence[Worker], members: Sequence[Member], settings: WorkerSettings
    ) -> None:
        self._members = {worker.name: member for worker, member in zip(workers, members, strict=True)}
        self._patience_seconds = {
            worker.name: settings.stuck_seconds + _longest_step_seconds(worker, settings)
            for worker in workers
        }
        self._lateness = Lateness()
        self._told: set[Progress] = set()

    async def run(self) -> None:
        """Look at the lanes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look())
            tasks.create_task(self._ask())

    def alive(self) -> Health:
        """Whether each lane gets on that could; where one does not, the process is best started again."""
        stuck = {
            str(name): f"{lane.progress}, stuck for {lane.progress.stuck_seconds:.0f} s"
            for name, lane in self._lanes().items()
            if self._is_stuck(name, lane.progress)
        }
        return Health(not stuck, {"why": "Lanes are stuck.", "lanes": stuck} if stuck else {})

    def ready(self) -> Health:
        """Whether every worker has its lanes, perhaps none, and all are open; tells of those that do not just read."""
        doing = {str(name): str(lane.progress) for name, lane in self._lanes().items()}
        told: dict[str, object] = {"why": why} if (why := self._why_not_ready()) else {}
        if lanes := {name: what for name, what in doing.items() if what != READY}:
            told["lanes"] = lanes
        return Health(not why, told)

    def _why_not_ready(self) -> str:
        if waiting := sorted(name for name, member in self._members.items() if not member.assigned):
            return f"The group of {', '.join(waiting)} has not given this process its lanes yet."
        lanes = self._lanes()
        closed = sum(not lane.ready for lane in lanes.values())
        return f"{closed} of {len(lanes)} lanes are not open." if closed else ""

    def _lanes(self) -> dict[LaneName, Lane]:
        return {
            LaneName(worker, number): lane
            for worker, member in self._members.items()
            for number, lane in member.lanes.items()
        }

    def _is_stuck(self, name: LaneName, progress: Progress) -> bool:
        return progress.stuck_seconds > self._patience_seconds[name.worker]

    async def _look(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            # A process that was stopped and goes on has not been working meanwhile.
            passed, before = min(time.monotonic() - before, 2 * LOOK_SECONDS), time.monotonic()
            lanes = self._lanes()
            for name, lane in lanes.items():
                lane.progress.passed(passed, busy=self._lateness.look(name, lane.feeds))
                metrics.STUCK_SECONDS.labels(name.worker, str(name.number)).set(lane.progress.stuck_seconds)
                self._tell(name, lane.progress)
            self._lateness.forget_all_but(lanes.keys())
            self._count()

    def _tell(self, name: LaneName, progress: Progress) -> None:
        """Log once that a lane is stuck."""
        if not self._is_stuck(name, progress):
            self._told.discard(progress)
        elif progress not in self._told:
            self._told.add(progress)
            logger().error("lane is stuck", worker=name.worker, partition=name.number, doing=str(progress))

    def _count(self) -> None:
        for worker, member in self._members.items():
            states = Counter(lane.progress.state for lane in member.lanes.values())
            for state in STATES:
                metrics.LANE_STATES.labels(worker, state).set(states[state])

    async def _ask(self) -> None:
        """A lane that waits holds what it read before, and hears of nothing behind it: ask for that."""
        while True:
            await asyncio.sleep(SILENCE_SECONDS)
            for lane in self._lanes().values():
                for feed in list(lane.feeds):
                    if not lane.ready:
                        break
                    with contextlib.suppress(KafkaError, OSError):  # it is as far behind as was known
                        await asked_for(feed.consumer.look(feed.partition))


def _longest_step_seconds(worker: Worker, settings: WorkerSettings) -> float:
    """What one step may take: a call of the worker's function, or the pause of a lane that was fenced."""
    deadline_seconds = worker.deadline_seconds or settings.call_deadline_seconds
    return max(deadline_seconds, settings.session_timeout_seconds)
