"""A consumer of committed records that never trusts silence.

A task inside aiokafka's consumer can end by an error that nobody is told, or wait for what never comes. Then the
consumer hands out nothing for ever, and all seems well. So one that has been silent for a while is asked whether it has
heard of Kafka meanwhile; if not, Kafka is asked whether there are records. Where some were there that did not come
while they were waited for, it raises.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from telemetry import metrics

SILENCE_SECONDS: Final = 7.0
"""Longer than any fetch waits for records. After twice as long at most, records that do not come are missed."""

POLL_MS: Final = int(SILENCE_SECONDS * 1000) + 500
"""How long to wait for records where nothing else is to be done: long enough to ask after each silence."""

POSITION_SECONDS: Final = 20.0
"""How long aiokafka may take to find out from where it reads."""


class Stalled(KafkaError):  # type: ignore[misc]  # aiokafka is untyped
    """A consumer has handed out nothing for too long, though there are records: open another."""


class Known(NamedTuple):
    """A consumer's next offset, and the end of the partition; what may be read ends at the last stable offset."""

    position: int
    end: int
    stable_end: int


@dataclass(frozen=True, slots=True)
class _Silence:
    """A partition of which nothing comes: since when, from which position on, and what was known of it then.

    ``end`` is where its committed records ended; ``heard_ms`` when Kafka last told of it.
    """

    since: float
    position: int
    end: int
    heard_ms: int | None = None


class Reader(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is untyped
    """An aiokafka consumer that raises where it would be silent for ever."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._silences: dict[TopicPartition, _Silence] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """The next records, once there are some or the time is over.

        Raises:
            Stalled: for two silences nothing has come, though there were records after the first.
            KafkaError, TimeoutError: Kafka does not say whether there are any.
        """
        began = monotonic()
        polled: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = await super().getmany(
            *partitions, timeout_ms=timeout_ms, max_records=max_records
        )
        for tp in polled:
            self._silences.pop(tp, None)
        if not polled and timeout_ms:
            for tp in partitions or self.assignment():
                await self._doubt(tp, began)
        return polled

    async def getone(self, *partitions: TopicPartition) -> ConsumerRecord[bytes, bytes]:
        """The next record, however long it takes.

        Raises:
            KafkaError, TimeoutError: see `getmany`.
        """
        while True:
            polled = await self.getmany(*partitions, timeout_ms=POLL_MS, max_records=1)
            for records in polled.values():
                return records[0]

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each partition still holds.

        Raises:
            KafkaError: Kafka does not tell, or not this user.
        """
        await self._require_known(partitions)
        offsets: dict[TopicPartition, int] = await super().beginning_offsets(partitions)
        return offsets

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offset of each partition.

        Raises:
            KafkaError: see `beginning_offsets`.
        """
        await self._require_known(partitions)
        offsets: dict[TopicPartition, int] = await super().end_offsets(partitions)
        return offsets

    async def position(self, partition: TopicPartition) -> int:
        """The offset of the next record.

        Raises:
            TimeoutError: aiokafka does not find it out.
        """
        async with asyncio.timeout(POSITION_SECONDS):
            offset: int = await super().position(partition)
        return offset

    def known(self, partition: TopicPartition) -> Known | None:
        """Where it stands, and what Kafka told last of the partition; None before it has.

        While records that have come are not handed out, Kafka is asked for no more: see `look`.
        """
        state = self._subscription.subscription.assignment.state_value(partition)
        if state.highwater is None or not state.has_valid_position:
            return None
        asked = self._ends.get(partition, 0)
        return Known(state.position, max(state.highwater, asked), max(state.lso, asked))

    async def look(self, partition: TopicPartition) -> None:
        """Ask for the last stable offset, unless a fetch has told it during the last silence.

        Raises:
            KafkaError: Kafka does not tell.
        """
        told_ms = self.last_poll_timestamp(partition) or 0
        if time.time() - told_ms / 1000 > SILENCE_SECONDS:
            self._ends[partition] = (await self.end_offsets([partition]))[partition]

    async def stop(self) -> None:
        """Stop, whatever has ended within it.

        An error that ended the fetching task comes up at this call, and aiokafka would leave connections open. So does
        a cancellation of aiokafka's own, which to the caller would look like one of itself.
        """
        stopping = asyncio.ensure_future(super().stop())
        try:
            await asyncio.wait([stopping])
        finally:
            stopping.cancel()
            await self._client.close()
        if not stopping.cancelled():
            stopping.exception()

    async def _require_known(self, partitions: Sequence[TopicPartition]) -> None:
        """Raise for topics that Kafka does not show to this user: aiokafka would ask until its time is over."""
        cluster = self._client.cluster
        for topic in {tp.topic for tp in partitions}:
            if cluster.partitions_for_topic(topic) is None:
                self._client.add_topic(topic)
                await self._client.force_metadata_update()
            if topic in cluster.unauthorized_topics:
                raise TopicAuthorizationFailedError(topic)

    async def _doubt(self, tp: TopicPartition, began: float) -> None:
        """Take note that nothing came; after a silence ask for the end, after another one raise."""
        position = await self.position(tp)
        silence = self._silences.get(tp)
        if silence is None or silence.position != position:
            silence = self._silences[tp] = _Silence(began, position, position)
        if monotonic() - silence.since < SILENCE_SECONDS:
            return
        if position < silence.end:
            metrics.READERS_STALLED.labels(tp.topic).inc()
            raise Stalled(
                f"{tp.topic}/{tp.partition} has records from {position} to {silence.end}: none came"
            )
        end = await self._end(tp, silence)
        self._silences[tp] = _Silence(monotonic(), position, end, self.last_poll_timestamp(tp))

    async def _end(self, tp: TopicPartition, silence: _Silence) -> int:
        """The last stable offset: the one that came with a fetch since, or else asked for."""
        if self.last_poll_timestamp(tp) != silence.heard_ms:
            end: int = self.last_stable_offset(tp)
        else:
            end = (await self.end_offsets([tp]))[tp]
        return end
