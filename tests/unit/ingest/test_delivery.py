"""What Kafka does not take goes to the spool, within bounds that are the spool's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from ingest import delivery
from ingest.delivery import Delivery
from ingest.limits import Budget, Budgets, Limit
from ingest.publishing.batches import Unavailable
from ingest.publishing.link import Link
from ingest.publishing.publisher import Publisher, publishing
from ingest.record import Record
from ingest.settings import IngressSettings
from ingest.spool.spool import spooling
from ingest.spool.status import status
from tests.unit.ingest.spool.stand_in import until

MIB = 2**20
PARTITIONS = 6
KEYS = [b"task-%d" % number for number in range(PARTITIONS * 8)]


class Producer:
    """Stands where aiokafka's does: counts what it is asked to send, and says nothing of it until it is told."""

    def __init__(self) -> None:
        self.sent: list[asyncio.Future[None]] = []

    async def send_batch(self, *_: object, **__: object) -> asyncio.Future[None]:
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]

    async def stop(self) -> None:
        """It holds nothing."""


class Refusing(Producer):
    """Fails each send."""

    async def send_batch(self, *_: object, **__: object) -> asyncio.Future[None]:
        (await super().send_batch()).cancel()
        raise KafkaError("no")


@asynccontextmanager
async def publishing_to(
    producer: Producer, monkeypatch: pytest.MonkeyPatch, budgets: Budgets, timeout_seconds: float = 0.1
) -> AsyncIterator[Publisher]:
    """A publisher that is connected to a producer of the test's, and to the same again once it has failed."""

    async def connected(_: Link) -> Producer:
        return producer

    async def asked(*_: object) -> str:
        return ""

    monkeypatch.setattr(Link, "_open", connected)
    monkeypatch.setattr(Link, "_ask", asked)
    monkeypatch.setattr("ingest.publishing.publisher._STOP_SECONDS", 0.01)
    monkeypatch.setattr("ingest.publishing.publisher._SWEEP_SECONDS", 0.01)
    settings = IngressSettings(partitions=PARTITIONS, publish_timeout_seconds=timeout_seconds)
    async with publishing(settings, budgets, on_failure=lambda: None) as publisher:
        await until(lambda: publisher.ready)
        yield publisher


def record(key: bytes, length_bytes: int) -> Record:
    return Record("midi.callbacks", key, bytes(length_bytes), [])


def kept(folder: Path) -> int:
    """How many records are in the spool."""
    return sum(file.records for file in status(folder))


async def test_what_kafka_fails_twice_is_not_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    producer = Refusing()
    async with publishing_to(producer, monkeypatch, Budgets.of(MIB), timeout_seconds=3) as kafka:
        with pytest.raises(Unavailable, match="refused"):
            await kafka.publish(record(b"a", 10))
    assert len(producer.sent) == 2


async def test_what_kafka_fails_twice_is_spooled_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    budgets = Budgets.of(MIB)
    async with (
        publishing_to(Refusing(), monkeypatch, budgets, timeout_seconds=3) as kafka,
        spooling(tmp_path, MIB) as spool,
    ):
        await Delivery(kafka, spool, budgets.spool, 1.5).deliver(record(b"a", 10))
        assert kept(tmp_path) == 1
    assert budgets.kafka.taken_bytes == budgets.spool.taken_bytes == 0


async def test_what_kafka_is_silent_on_takes_no_room_from_what_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producer, budgets = Producer(), Budgets.of(8 * MIB)
    async with publishing_to(producer, monkeypatch, budgets) as kafka:
        with pytest.raises(Unavailable, match="in time"):
            await kafka.publish(record(KEYS[0], 2 * MIB))
        assert (budgets.kafka.taken_bytes, budgets.late.taken_bytes) == (0, 2 * MIB)
        producer.sent[0].set_result(None)
        await until(lambda: not budgets.late.taken_bytes)


async def test_what_kafka_is_silent_on_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its own bound it counts among what waits, and what comes next is refused."""
    producer, budgets = Producer(), Budgets.of(8 * MIB)
    async with publishing_to(producer, monkeypatch, budgets) as kafka:
        refused: list[str] = []
        for key in KEYS:
            with pytest.raises(Unavailable) as refusal:
                await kafka.publish(record(key, 2 * MIB - 1))
            refused.append(str(refusal.value))
        assert budgets.late.taken_bytes <= 2 * MIB
        assert budgets.kafka.taken_bytes + budgets.late.taken_bytes <= 6 * MIB
        assert "Too many callbacks wait for Kafka." in refused
        for sent in producer.sent:
            sent.set_result(None)
        await until(lambda: not budgets.late.taken_bytes)
        assert not budgets.kafka.taken_bytes


async def test_while_kafka_is_silent_on_large_ones_everything_is_spooled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also what Kafka has no room for: it goes to the disk at once."""
    budgets = Budgets.of(8 * MIB)
    async with (
        publishing_to(Producer(), monkeypatch, budgets) as kafka,
        spooling(tmp_path, 100 * MIB) as spool,
    ):
        deliver = Delivery(kafka, spool, budgets.spool, 1.5).deliver
        for key in KEYS:
            await deliver(record(key, 2 * MIB - 1))
            await deliver(record(key, 10))
        assert kept(tmp_path) == 2 * len(KEYS)
        assert not budgets.spool.taken_bytes


async def test_what_waits_for_the_disk_is_bounded_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    budgets = Budgets.of(16 * MIB)
    async with (
        publishing_to(Producer(), monkeypatch, budgets) as kafka,
        spooling(tmp_path, 100 * MIB) as spool,
    ):
        sending = Delivery(kafka, spool, Budget(3 * MIB), 1.5)
        assert not sending.refusing
        ends = await asyncio.gather(
            *(sending.deliver(record(KEYS[0], 2 * MIB)) for _ in range(2)), return_exceptions=True
        )
        (refusal,) = [end for end in ends if end is not None]
        assert isinstance(refusal, Unavailable)
        assert ("wait for the spool" in str(refusal), refusal.limit) == (True, Limit.SPOOL_BYTES)
        assert kept(tmp_path) == 1
        await sending.deliver(record(KEYS[0], 2 * MIB))
        assert kept(tmp_path) == 2


async def test_refusals_are_told_until_a_record_is_spooled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    budgets = Budgets.of(16 * MIB)
    async with (
        publishing_to(Producer(), monkeypatch, budgets) as kafka,
        spooling(tmp_path, MIB) as spool,
    ):
        sending = Delivery(kafka, spool, budgets.spool, 1.5)
        with pytest.raises(Unavailable, match="as many bytes as it may") as refusal:
            await sending.deliver(record(KEYS[0], 2 * MIB))
        assert refusal.value.limit is Limit.SPOOL_FULL
        assert sending.refusing
        await sending.deliver(record(KEYS[0], 10))
        assert not sending.refusing
        with pytest.raises(Unavailable):
            await sending.deliver(record(KEYS[0], 2 * MIB))
        monkeypatch.setattr(delivery, "REFUSING_SECONDS", 0)
        assert not sending.refusing


async def test_a_disk_that_is_too_slow_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    budgets = Budgets.of(MIB)
    async with publishing_to(Producer(), monkeypatch, budgets) as kafka, spooling(tmp_path, MIB) as spool:
        sending = Delivery(kafka, spool, budgets.spool, 0)
        with pytest.raises(Unavailable, match="too slow") as refusal:
            await sending.deliver(record(KEYS[0], 10))
        assert refusal.value.limit is Limit.SPOOL_SECONDS
        assert sending.refusing
