"""The ingress on a real Kafka: what it writes, and how it lives through what Kafka goes through."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import re
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from broker import topics
from broker.embedded import BrokerError, EmbeddedKafka
from broker.embedded.ports import free_port
from ingest.limits import Budgets
from ingest.publishing import link
from ingest.publishing.batches import NoTopic
from ingest.publishing.publisher import publishing
from ingest.record import Record
from ingest.server import serve
from midi_ingest.settings import Settings, guard_of
from schemas.callback import Callback
from schemas.topics import shared
from tests.topics import delete_topics, eventually, make_settings, read_all

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PROMISED_SECONDS = 5
"""Within this time every callback is answered, whatever Kafka does."""

MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""Hashes that Kafka's own tests expect (`UtilsTest.testMurmur2`)."""


class Sender:
    """Posts callbacks to one ingress."""

    def __init__(self, session: aiohttp.ClientSession, path: str) -> None:
        self._session, self._path = session, path

    async def post(self, body: bytes, **headers: str) -> int:
        """Post a callback; the status, which comes within the promised time."""
        json = {"Content-Type": "application/json"}
        async with (
            asyncio.timeout(PROMISED_SECONDS),
            self._session.post(self._path, data=io.BytesIO(body), headers=json | headers) as answer,
        ):
            assert answer.status in {200, 413} or answer.headers["Retry-After"]
            return answer.status

    async def is_received(self) -> bool:
        return await self.post(callback(uuid.uuid4().hex)) == 200

    async def is_ready(self) -> bool:
        async with self._session.get("/readyz") as answer:
            return answer.status == 200

    async def readiness(self) -> Any:
        async with self._session.get("/readyz") as answer:
            return await answer.json(content_type=None)

    async def tells_what_to_do(self) -> bool:
        return "`midi-ingest topics apply`" in (await self.readiness()).get("detail", "")

    async def tells_of_partitions(self) -> bool:
        return "MIDI_INGEST_PARTITIONS=7" in (await self.readiness()).get("why", "")

    async def is_not_ready(self) -> bool:
        return not await self.is_ready()

    async def is_alive(self) -> bool:
        async with self._session.get("/healthz") as answer:
            return answer.status == 200


def callback(task_id: str, data: str = "x") -> bytes:
    return b'{"code":200, "task_id":"%s","data":"%s"}' % (task_id.encode(), data.encode())


@asynccontextmanager
async def ingress(settings: Settings) -> AsyncIterator[Sender]:
    """A running ingress, which may have no Kafka yet; stopped as a signal would stop it."""
    stop, bound = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(serve(settings, guard_of(settings), stop, on_ready=bound.put_nowait))
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{await bound.get()}") as session:
            yield Sender(session, settings.path)
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def ready_ingress(settings: Settings) -> AsyncIterator[Sender]:
    async with ingress(settings) as sender:
        await eventually(sender.is_ready, lambda: "not ready")
        yield sender


async def test_a_callback_is_in_the_topic_byte_for_byte_with_its_key_and_headers(settings: Settings) -> None:
    body = b' {"task_id" : "5c79****be8e",\n"data":{"instruments":[]},"code":200}\r\n'
    async with ready_ingress(settings) as sender:
        assert await sender.post(body, traceparent=TRACE) == 200
        (record,) = await read_all(settings, Callback.topic)

    assert (record.key, record.value) == ("5c79****be8e", body)
    headers = dict(record.headers)
    assert re.fullmatch("[0-9a-f]{32}", headers.pop("ce_id"))
    assert headers.pop("ce_time").endswith("Z")
    assert headers == {
        "ce_type": "midi.callback",
        "ce_source": "/midi-ingest",
        "ce_specversion": "1.0",
        "content-type": "application/json",
        "midi-schema": "1",
        "midi-dialect": "sunoapi.org",
        "midi-origin": "callback",
        "traceparent": TRACE,
    }


async def test_a_callback_lies_in_the_partition_that_kafkas_own_producer_would_choose(
    settings: Settings,
) -> None:
    async with ready_ingress(settings) as sender:
        for task_id in MURMUR2:
            assert await sender.post(callback(task_id)) == 200
        records = await read_all(settings, Callback.topic)

    expected = {task_id: (murmur2 & 0x7FFFFFFF) % settings.partitions for task_id, murmur2 in MURMUR2.items()}
    assert {record.key: record.partition for record in records} == expected


async def test_a_large_callback_arrives_whole(settings: Settings) -> None:
    data = base64.b64encode(os.urandom(settings.max_body_bytes * 3 // 4 - 100)).decode()
    body = callback("large", data)
    async with ready_ingress(settings) as sender:
        assert await sender.post(body) == 200
        (record,) = await read_all(settings, Callback.topic)
    assert record.value == body


async def test_many_callbacks_at_once_all_arrive(settings: Settings) -> None:
    bodies = {f"task-{n}": callback(f"task-{n}", "x" * (n % 7) * 1000) for n in range(300)}
    async with ready_ingress(settings) as sender:
        assert set(await asyncio.gather(*(sender.post(body) for body in bodies.values()))) == {200}
        records = await read_all(settings, Callback.topic)
    assert {record.key: record.value for record in records} == bodies
    assert len(records) == len(bodies)


async def test_a_record_that_kafka_refuses_fails_neither_its_neighbours_nor_those_after_it(
    kafka_servers: str, tmp_path: Path
) -> None:
    """The topic takes less than it should: a batch that Kafka rejects costs neither others nor the producer."""
    settings = make_settings(kafka_servers, tmp_path)
    await topics.apply(settings.model_copy(update={"max_body_bytes": 1024}), shared())
    too_large = callback("one-partition", base64.b64encode(os.urandom(3 * 1024 * 1024)).decode())
    small = callback("one-partition")
    statuses = []
    before = _producer_restarts()

    async with ready_ingress(settings) as sender:
        refused = asyncio.create_task(sender.post(too_large))

        async def post_meanwhile() -> None:
            while not refused.done():
                statuses.append(await sender.post(small))

        await asyncio.gather(*(post_meanwhile() for _ in range(16)))
        statuses += [await sender.post(small) for _ in range(20)]
        values = [record.value for record in await read_all(settings, Callback.topic)]

    assert await refused == 413
    assert set(statuses) == {200}
    assert values == [small] * len(statuses)
    assert _producer_restarts() == before
    await delete_topics(settings)


def _producer_restarts() -> float:
    return REGISTRY.get_sample_value("midi_ingest_producer_restarts_total") or 0


async def test_missing_topics_make_it_unready_until_they_are_there(
    kafka_servers: str, tmp_path: Path
) -> None:
    settings = make_settings(kafka_servers, tmp_path).model_copy(update={"publish_timeout_seconds": 0.5})
    async with ingress(settings) as sender:
        assert await sender.post(callback("early")) == 503
        assert await sender.is_not_ready()
        await eventually(sender.tells_what_to_do, lambda: "not told")
        await topics.apply(settings, shared())
        await eventually(sender.is_ready, lambda: "not ready")
        # Topics that are this new may have no leader yet for longer than the ingress waits here.
        await eventually(sender.is_received, lambda: "still refused")
        keys = {record.key for record in await read_all(settings, Callback.topic)}
    assert keys
    assert "early" not in keys
    await delete_topics(settings)


async def test_topics_that_go_while_it_runs_are_told(
    kafka_servers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(link, "FRESH_SECONDS", 1.0)
    settings = make_settings(kafka_servers, tmp_path)
    await topics.apply(settings, shared())
    async with ready_ingress(settings) as sender:
        await delete_topics(settings)
        await eventually(sender.tells_what_to_do, lambda: "not told")
        assert f"The topic {settings.topic_prefix}callbacks has gone." in (await sender.readiness())["detail"]


async def test_with_topics_that_are_not_as_they_must_be_callbacks_go_to_the_spool_and_the_cause_is_told(
    kafka_servers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stopped while it connects again, aiokafka would leave a connection for the garbage collector to complain of.
    monkeypatch.setattr(link, "_FIRST_PAUSE_SECONDS", 60.0)
    own = make_settings(kafka_servers, tmp_path)
    await topics.apply(own, shared())
    wrong = own.model_copy(
        update={"partitions": 7, "publish_timeout_seconds": 0.5, "spool_dir": tmp_path / "spool"}
    )
    with capture_logs() as logs:
        async with ingress(wrong) as sender:
            assert await sender.post(callback("early")) == 200
            await eventually(sender.tells_of_partitions, lambda: "not told")
            assert await sender.is_ready()
            told = await sender.readiness()
    assert not told["kafka"]
    assert told["spool"]["records"] == 1
    (error, *_) = [line for line in logs if line["event"] == "topics are not as they must be"]
    assert (error["log_level"], error["error"]) == ("error", told["why"])
    assert not [line for line in logs if "connection" in line["event"]]
    await delete_topics(own)


@pytest.fixture(scope="module")
async def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """A Kafka for this file, to be started, frozen and stopped by its tests."""
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("own-kafka"), free_port())
    yield kafka
    await kafka.stop()


@pytest.fixture
async def own(own_kafka: EmbeddedKafka, tmp_path: Path) -> Settings:
    """Settings for that Kafka, which runs and has the topics."""
    try:
        _ = own_kafka.pid
    except BrokerError:
        await own_kafka.start()
    settings = make_settings(own_kafka.bootstrap_servers, tmp_path)
    await topics.apply(settings, shared())
    return settings


@contextmanager
def frozen(kafka: EmbeddedKafka) -> Iterator[None]:
    """Kafka takes connections within the block, but says nothing."""
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(kafka.pid, signal.SIGCONT)


async def test_kafka_may_come_later_than_the_ingress(own_kafka: EmbeddedKafka, tmp_path: Path) -> None:
    await own_kafka.stop()
    settings = make_settings(own_kafka.bootstrap_servers, tmp_path)
    async with ingress(settings) as sender:
        assert await sender.post(callback("early")) == 503
        assert await sender.is_alive()
        assert await sender.is_not_ready()
        await own_kafka.start()
        await topics.apply(settings, shared())
        await eventually(sender.is_ready, lambda: "not ready")
        assert await sender.post(callback("late")) == 200
        assert [record.key for record in await read_all(settings, Callback.topic)] == ["late"]


async def test_while_kafka_is_stopped_senders_are_asked_to_come_again(
    own_kafka: EmbeddedKafka, own: Settings
) -> None:
    async with ready_ingress(own) as sender:
        assert await sender.post(callback("before")) == 200
        await own_kafka.stop()
        try:
            statuses = await asyncio.gather(*(sender.post(callback(f"during-{n}")) for n in range(20)))
            assert set(statuses) == {503}
            assert await sender.is_alive()
            await eventually(sender.is_not_ready, lambda: "still ready")
        finally:
            await own_kafka.start()
        await eventually(sender.is_ready, lambda: "not ready")
        await eventually(sender.is_received, lambda: "nothing is received")
        assert await sender.post(callback("after")) == 200
        keys = [record.key for record in await read_all(own, Callback.topic)]
    assert {"before", "after"} <= set(keys)


async def test_while_kafka_is_frozen_senders_are_asked_to_come_again(
    own_kafka: EmbeddedKafka, own: Settings
) -> None:
    async with ready_ingress(own) as sender:
        with frozen(own_kafka):
            statuses = await asyncio.gather(*(sender.post(callback(f"during-{n}")) for n in range(20)))
            assert set(statuses) == {503}
            assert await sender.is_alive()
            await eventually(sender.is_not_ready, lambda: "still ready")
        await eventually(sender.is_ready, lambda: "not ready")
        # What Kafka had before it froze may take a moment more to be settled than Kafka takes to answer.
        await eventually(sender.is_received, lambda: "still refused")


async def test_after_a_long_silence_a_new_producer_is_tried(
    own_kafka: EmbeddedKafka, own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "LOST_SECONDS", 0.0)
    before = _producer_restarts()

    async def replaced() -> bool:
        return _producer_restarts() > before

    async with ready_ingress(own) as sender:
        with frozen(own_kafka):
            assert await sender.post(callback("during")) == 503
            await eventually(replaced, lambda: "not replaced")
            assert await sender.is_not_ready()
        await eventually(sender.is_ready, lambda: "not ready")
        assert await sender.post(callback("after")) == 200


async def test_a_spooled_record_of_a_topic_that_is_gone_costs_the_producer_nothing(
    settings: Settings,
) -> None:
    """Nor is the topic created by asking for it."""
    gone = f"{settings.topic_prefix}gone"
    async with publishing(settings, Budgets.of(2**20), on_failure=lambda: None) as publisher:

        async def is_ready() -> bool:
            return publisher.ready

        await eventually(is_ready, lambda: "not ready")
        before = REGISTRY.get_sample_value("midi_ingest_producer_restarts_total")
        records = [
            Record(topic, b"key", b"value", []) for topic in (settings.layout.name(Callback.topic), gone)
        ]
        ends = await publisher.publish_all(records)
    assert [type(end) for end in ends] == [type(None), NoTopic]
    assert REGISTRY.get_sample_value("midi_ingest_producer_restarts_total") == before
    assert gone not in await topics.partition_counts(settings)
    assert [record.value for record in await read_all(settings, Callback.topic)] == [b"value"]
