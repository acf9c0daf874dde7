"""An application that waits for songs: it reads `midi.outcomes`, committed records only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from broker import clients
from broker.settings import KafkaSettings
from schemas.outcome import Outcome

_FETCH_WAIT_MS: Final = 20
"""Short: an outcome of a partition whose last one has just arrived waits for a fetch to return, at most so long."""


class NotComplete(RuntimeError):
    """A task did not end, ended twice, or did not end as complete; the message says which."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A task's end: when its file was there and when this subscriber saw the outcome, in seconds since 1970."""

    file_at: float
    seen_at: float


class Subscriber:
    """Reads outcomes from now on; made by `subscribed`."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._seen: set[str] = set()

    async def endings(self, count: int, timeout_seconds: float) -> dict[str, Ending]:
        """The next ``count`` outcomes by task id, once they have come.

        Raises:
            NotComplete: they do not come in time, or one of them is not complete or is a second one.
        """
        found: dict[str, Ending] = {}
        try:
            async with asyncio.timeout(timeout_seconds):
                while len(found) < count:
                    record = await self._consumer.getone()
                    outcome, seen_at = Outcome.decode(record.value), time.time()
                    found[outcome.task_id] = Ending(self._file_at(outcome), seen_at)
        except TimeoutError:
            raise NotComplete(f"{len(found)} of {count} songs are there after {timeout_seconds} s.") from None
        return found

    def _file_at(self, outcome: Outcome) -> float:
        """When the file got its name, which is when its inode changed last."""
        if outcome.task_id in self._seen:
            raise NotComplete(f"{outcome.task_id} has ended twice.")
        if outcome.status != "complete" or outcome.file is None:
            raise NotComplete(f"{outcome.task_id} is {outcome.status}: {outcome.message}")
        self._seen.add(outcome.task_id)
        return Path(outcome.file).stat().st_ctime


@asynccontextmanager
async def subscribed(settings: KafkaSettings) -> AsyncIterator[Subscriber]:
    """A subscriber to what is written to `midi.outcomes` from now on."""
    consumer = clients.reader(settings, fetch_max_wait_ms=_FETCH_WAIT_MS)
    await consumer.start()
    try:
        topic = settings.layout.name(Outcome.topic)
        consumer.assign([TopicPartition(topic, number) for number in range(settings.partitions)])
        await consumer.seek_to_end()
        yield Subscriber(consumer)
    finally:
        await consumer.stop()
