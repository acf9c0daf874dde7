"""A feed: one partition of a topic that a lane reads, and what has been read of it but not handled."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from workers.runtime.mark import Mark
from workers.runtime.record import Record, from_kafka

BATCH_RECORDS: Final = 500
POLL_MS: Final = 60_000


@dataclass(slots=True)
class Feed:
    """A partition whose records are handled once they have waited ``delay_seconds``.

    ``start`` is its committed offset when its lane opens, ``mark`` what stands beside it then and from then on.
    ``proved`` means that a batch has been committed since, so that nothing is known against the next.
    """

    consumer: AIOKafkaConsumer
    partition: TopicPartition
    start: int
    delay_seconds: int = 0
    mark: Mark = field(default_factory=Mark)
    proved: bool = False
    waiting: deque[Record] = field(default_factory=deque)

    async def wait(self) -> None:
        """Return once a record waits that is due."""
        while not self.waiting:
            polled = await self.consumer.getmany(
                self.partition, timeout_ms=POLL_MS, max_records=BATCH_RECORDS
            )
            self.waiting.extend(map(from_kafka, polled.get(self.partition, ())))
        while (seconds := self._seconds_until_due(self.waiting[0])) > 0:  # a sleep may end a moment too early
            await asyncio.sleep(seconds)

    def due(self) -> list[Record]:
        """What waits and may be handled now."""
        return list(takewhile(lambda record: self._seconds_until_due(record) <= 0, self.waiting))

    def killer(self) -> Record | None:
        """The next record, where it is the one that has killed its process."""
        first = self.waiting[0]
        return first if self.mark.alone and first.offset == self.start else None

    def at(self, offset: int, mark: Mark) -> dict[TopicPartition, OffsetAndMetadata]:
        """The feed's offset and mark, to be committed."""
        return {self.partition: OffsetAndMetadata(offset, mark.text)}

    def passed(self, handled: Iterable[Record], mark: Mark) -> None:
        """The first that waited are committed, and with them this mark."""
        for _ in handled:
            self.waiting.popleft()
        self.mark, self.proved = mark, True

    def _seconds_until_due(self, record: Record) -> float:
        return record.timestamp_ms / 1000 + self.delay_seconds - time.time() if self.delay_seconds else 0.0
