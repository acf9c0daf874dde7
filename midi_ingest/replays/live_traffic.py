"""Giving way to live traffic: nothing is added while a worker is behind."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition

from broker.groups import Groups, lag
from midi_ingest.process import Stopped
from midi_ingest.scan import Reader, partitions_of
from midi_ingest.settings import Settings
from schemas.topics import NOW, retry
from workers.runtime.api import Worker

_POLL_SECONDS: Final = 0.5


class LiveTraffic:
    """Knows how far some workers are behind in what they read live, and in what operators sent them.

    More than ``max_lag`` records are too many; a worker that has not caught up after ``patience_seconds`` may not
    be running at all.
    """

    def __init__(
        self,
        settings: Settings,
        groups: Groups,
        reader: Reader,
        workers: Sequence[Worker],
        *,
        max_lag: int,
        patience_seconds: float,
    ) -> None:
        self._groups, self._reader = groups, reader
        self._max_lag, self._patience_seconds = max_lag, patience_seconds
        self._prefix = settings.topic_prefix
        self._partitions = {worker.name: _read_by(worker, settings) for worker in workers}
        self._said = False

    async def let_pass(self) -> None:
        """Return once no worker is too far behind.

        Raises:
            Stopped: one stays behind for too long.
        """
        started = time.monotonic()
        while late := await self._late():
            name, behind = late
            what = f"{name} is {behind:,} records behind, more than --max-lag {self._max_lag:,}"
            if time.monotonic() - started > self._patience_seconds:
                raise Stopped(f"{what}, for {self._patience_seconds:g} s now: does it run?")
            if not self._said:
                print(f"Waiting: {what}.", file=sys.stderr)
                self._said = True
            await asyncio.sleep(_POLL_SECONDS)
        self._said = False

    async def _late(self) -> tuple[str, int] | None:
        """A worker that is too far behind, and how far; None if there is none."""
        for name, partitions in self._partitions.items():
            committed = await self._groups.committed(self._prefix + name)
            beginnings, ends = await self._reader.beginnings(partitions), await self._reader.ends(partitions)
            if (behind := lag(committed, beginnings, ends)) > self._max_lag:
                return name, behind
        return None


def _read_by(worker: Worker, settings: Settings) -> list[TopicPartition]:
    return [
        tp for topic in (*worker.sources, retry(worker.name, NOW)) for tp in partitions_of(settings, topic)
    ]
