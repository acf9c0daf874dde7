"""Reading what stands in Kafka now: committed records up to the end that a partition has at the start.

A scan is over where the position has reached that end: records cannot be counted, since what was compacted or
aborted leaves gaps. It never follows an end that moves on, and gives up when its time is over.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from rich.progress import Progress

from broker import clients
from broker.settings import KafkaSettings
from midi_ingest.moments import in_ms
from midi_ingest.terminal import progress
from schemas.message import Topic

_POLL_MS: Final = 500
_RECORD_SECONDS: Final = 30.0
_NEAR: Final = 100
"""Up to so many offsets ahead, reading on costs less than asking Kafka anew."""


class Reader:
    """Reads partitions of topics; whatever it scans together has to be done ``timeout_seconds`` from now.

    ``partial`` tells that it was not: what was read then is right, but not all.
    """

    def __init__(self, consumer: AIOKafkaConsumer, timeout_seconds: float, progress: Progress) -> None:
        self._consumer, self._progress = consumer, progress
        self._deadline = time.monotonic() + timeout_seconds
        self.partial = False

    async def topics(self) -> frozenset[str]:
        """The names of all topics that there are."""
        return frozenset(await self._consumer.topics())

    async def beginnings(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each partition still holds."""
        beginnings: dict[TopicPartition, int] = await self._consumer.beginning_offsets(list(partitions))
        return beginnings

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offset of each partition: where what is committed ends."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return ends

    async def scan(
        self, partitions: Collection[TopicPartition], since: datetime | None = None
    ) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
        """The records of some partitions up to their present ends, each partition's in order.

        With ``since`` a partition is read from its first record of that time or later; ones that are older may
        follow that one.
        """
        self._consumer.assign(list(partitions))
        ends = await self.ends(partitions)
        starts = await self._starts(partitions, since, ends)
        for tp, start in starts.items():
            self._consumer.seek(tp, start)
        unread = {tp for tp in partitions if starts[tp] < ends[tp]}
        bar = self._progress.add_task("reading", total=sum(ends[tp] - starts[tp] for tp in unread))
        while unread:
            if time.monotonic() > self._deadline:
                self.partial = True
                break
            polled = await self._consumer.getmany(*unread, timeout_ms=_POLL_MS)
            for tp, records in polled.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
            positions = {tp: await self._consumer.position(tp) for tp in unread}
            self._progress.advance(bar, _moved(polled))
            unread = {tp for tp in unread if positions[tp] < ends[tp]}
        self._progress.remove_task(bar)

    async def fetch(
        self, tp: TopicPartition, offsets: Iterable[int]
    ) -> dict[int, ConsumerRecord[bytes, bytes]]:
        """The records at some offsets of a partition; what Kafka no longer has is left out.

        Raises:
            TimeoutError: Kafka does not answer.
        """
        found = {}
        wanted = sorted(offsets)
        if wanted and self._consumer.assignment() != {tp}:
            self._consumer.assign([tp])
            self._consumer.seek(tp, wanted[0])
        for offset in wanted:
            if (record := await self._at(tp, offset)) is not None:
                found[offset] = record
        return found

    async def _at(self, tp: TopicPartition, offset: int) -> ConsumerRecord[bytes, bytes] | None:
        """The record at an offset below the end; None where there is none, as at a transaction's marker."""
        position = await self._consumer.position(tp)
        if not position <= offset <= position + _NEAR:
            self._consumer.seek(tp, offset)
        deadline = time.monotonic() + _RECORD_SECONDS
        while await self._consumer.position(tp) <= offset:
            polled = await self._consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=1)
            for record in polled.get(tp, ()):
                if record.offset == offset:
                    return record
                if record.offset > offset:
                    self._consumer.seek(tp, record.offset)  # it may be wanted next
            if time.monotonic() > deadline:
                raise TimeoutError
        return None

    async def _starts(
        self,
        partitions: Collection[TopicPartition],
        since: datetime | None,
        ends: dict[TopicPartition, int],
    ) -> dict[TopicPartition, int]:
        if since is None:
            return await self.beginnings(partitions)
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, in_ms(since)))
        return {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in partitions}


@asynccontextmanager
async def reading(settings: KafkaSettings, timeout_seconds: float) -> AsyncIterator[Reader]:
    """A reader; while it scans, a bar on standard error tells how far it is, on a terminal only."""
    consumer = clients.reader(settings, fetch_max_wait_ms=100)
    try:
        await consumer.start()
        with progress() as bars:
            yield Reader(consumer, timeout_seconds, bars)
    finally:
        await consumer.stop()


def partitions_of(settings: KafkaSettings, topic: Topic) -> list[TopicPartition]:
    """All partitions of a topic."""
    return [TopicPartition(settings.layout.name(topic), number) for number in range(settings.partitions)]


def _moved(polled: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]) -> int:
    return sum(records[-1].offset - records[0].offset + 1 for records in polled.values() if records)
