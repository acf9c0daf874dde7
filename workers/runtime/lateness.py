"""How late the lanes of a process are: offsets to the ends of what they read, and the age of what waits longest."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from telemetry import metrics
from workers.runtime.feed import Feed


class LaneName(NamedTuple):
    """A lane's worker and partition number."""

    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.worker}-{self.number}"


class Lateness:
    """Of each lane. One that is not open is as far behind as it was; what waits for it grows older meanwhile."""

    def __init__(self) -> None:
        self._waiting_since: dict[LaneName, float] = {}
        self._topics: dict[LaneName, frozenset[str]] = {}

    def look(self, lane: LaneName, feeds: Sequence[Feed], now: float | None = None) -> bool:
        """Note and show how late a lane is that reads ``feeds`` now; whether it has something to do."""
        now = time.time() if now is None else now
        before = self._waiting_since.get(lane, now)
        since = min((_waiting_since(feed, before, now) for feed in feeds), default=before)
        self._waiting_since[lane] = since
        metrics.OLDEST_AGE_SECONDS.labels(lane.worker, str(lane.number)).set(max(0.0, now - since))
        if feeds:
            self._topics[lane] = frozenset(feed.partition.topic for feed in feeds)
        for feed in feeds:
            _show(lane, feed.partition.topic, *(feed.lag() or (0, 0)))
        return not feeds or since < now

    def forget_all_but(self, lanes: Collection[LaneName]) -> None:
        """Show nothing any more of lanes that others have now."""
        for lane in self._waiting_since.keys() - lanes:
            del self._waiting_since[lane]
            metrics.OLDEST_AGE_SECONDS.labels(lane.worker, str(lane.number)).set(0)
            metrics.STUCK_SECONDS.labels(lane.worker, str(lane.number)).set(0)
            for topic in self._topics.pop(lane, ()):
                _show(lane, topic, 0, 0)


def _waiting_since(feed: Feed, before: float, now: float) -> float:
    """Since when its next record could be handled: ``before`` where it has not come yet, ``now`` if none waits."""
    if feed.due_at is not None:
        return feed.due_at
    lag = feed.lag()
    return before if lag and lag.stable else now


def _show(lane: LaneName, topic: str, to_end: int, to_stable_end: int) -> None:
    labels = lane.worker, topic, str(lane.number)
    metrics.LAG.labels(*labels).set(to_end)
    metrics.STABLE_LAG.labels(*labels).set(to_stable_end)
