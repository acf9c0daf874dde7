"""Contestants take turns at backlogs of callbacks.

A backlog is written in one transaction: nobody sees any of it before all of it is there. It is handled once the group
has committed the offsets of all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.processes import running
from bench.songs import Song, Songs
from bench.workers.contestants import Contestant
from broker import clients
from broker.settings import KafkaSettings
from schemas import headers as h
from schemas.callback import Callback

_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Load:
    """So many callbacks, each of about so many notes."""

    records: int
    songs: Songs

    @property
    def body_bytes(self) -> int:
        """The size of a body."""
        return self.songs.body_bytes


@dataclass(frozen=True, slots=True)
class Window:
    """One backlog handled: from when it could be seen until all its offsets were committed."""

    records: int
    seconds: float
    cpu_us_per_record: float

    @property
    def records_per_second(self) -> float:
        """How many were handled in a second."""
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class Contest:
    """Writes backlogs and looks on."""

    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    admin: AIOKafkaAdminClient

    async def window(self, contestant: Contestant, load: Load) -> Window:
        """Have a contestant handle a backlog."""
        offsets = await self._write(contestant, load)
        cpu, started = contestant.cpu_seconds(), time.perf_counter()
        await self.producer.commit_transaction()
        await self._until_committed(contestant, offsets)
        took, cpu = time.perf_counter() - started, contestant.cpu_seconds() - cpu
        return Window(load.records, took, cpu / load.records * 1e6)

    async def check(self, contestant: Contestant, load: Load) -> None:
        """Have a contestant handle a backlog, and look whether it wrote each record once.

        Raises:
            SystemExit: it did not.
        """
        name, count = contestant.settings.layout.name(contestant.writes), contestant.settings.partitions
        before = await self.consumer.end_offsets([TopicPartition(name, number) for number in range(count)])
        await self.window(contestant, load)
        keys = await self._keys_behind(before)
        if len(keys) != load.records or len(set(keys)) != load.records:
            raise SystemExit(
                f"{contestant.name} wrote {len(keys)} records of {len(set(keys))} keys for {load.records} callbacks."
            )

    async def _write(self, contestant: Contestant, load: Load) -> dict[TopicPartition, int]:
        """Write a backlog in a transaction that stays open; returns the offsets behind it."""
        topic, partitions = contestant.settings.layout.name(Callback.topic), contestant.settings.partitions
        await self.producer.begin_transaction()
        acks = [
            await self.producer.send(
                topic, song.body, song.task_id.encode(), number % partitions, headers=_headers(song)
            )
            for number, song in enumerate(islice(load.songs, load.records))
        ]
        behind: dict[TopicPartition, int] = {}
        for written in await asyncio.gather(*acks):
            tp = written.topic_partition
            behind[tp] = max(behind.get(tp, 0), written.offset + 1)
        return behind

    async def _until_committed(self, contestant: Contestant, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not await self._has_committed(contestant.group, offsets):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise SystemExit(
                f"{contestant.name} did not handle its backlog within {_PATIENCE_SECONDS} s."
            ) from None

    async def _has_committed(self, group: str, offsets: Mapping[TopicPartition, int]) -> bool:
        committed = await self.admin.list_consumer_group_offsets(group, partitions=list(offsets))
        return all(tp in committed and committed[tp].offset >= offset for tp, offset in offsets.items())

    async def _keys_behind(self, offsets: Mapping[TopicPartition, int]) -> list[bytes | None]:
        """The keys of all records from these offsets to the ends that there are now."""
        ends = await self.consumer.end_offsets(list(offsets))
        self.consumer.assign(list(offsets))
        for tp, offset in offsets.items():
            self.consumer.seek(tp, offset)
        keys: list[bytes | None] = []
        while [tp for tp, end in ends.items() if await self.consumer.position(tp) < end]:
            for records in (await self.consumer.getmany(timeout_ms=100)).values():
                keys += [record.key for record in records]
        return keys


@contextlib.asynccontextmanager
async def contest(settings: KafkaSettings, contestants: Sequence[Contestant]) -> AsyncIterator[Contest]:
    """Start all contestants; they end with the block."""
    producer = clients.producer(settings, transactional_id="bench")
    consumer, admin = clients.reader(settings), clients.admin(settings)
    processes = [process for contestant in contestants for process in contestant.processes]
    async with running(processes), producer, consumer:
        await admin.start()
        try:
            yield Contest(producer, consumer, admin)
        finally:
            await admin.close()


def _headers(song: Song) -> h.WireHeaders:
    """As the ingress writes them."""
    return h.to_wire(
        {
            h.CE_TYPE: Callback.kind,
            h.CE_SOURCE: h.SOURCE,
            h.CE_SPECVERSION: h.SPECVERSION,
            h.CONTENT_TYPE: Callback.content_type,
            h.SCHEMA: str(Callback.version),
            h.ORIGIN: "callback",
            h.CE_ID: song.task_id,
            h.CE_TIME: h.timestamp(datetime.now(UTC)),
            h.DIALECT: "sunoapi.org",
        }
    )
