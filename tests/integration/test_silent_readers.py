"""A consumer inside which something has died is noticed: what it does not hand out is read by another, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, RequestTimedOutError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from prometheus_client import REGISTRY

from broker import clients, reader, topics
from broker.reader import Stalled
from midi_ingest import records
from midi_ingest.settings import Settings
from schemas.message import Topic
from schemas.topics import changelog
from tests.faults.words import Word, count
from tests.lanes import counted, running, words
from tests.topics import eventually, read_until
from workers.runtime import feed

RESTARTS = "midi_ingest_worker_lane_restarts_total"


def deadly(monkeypatch: pytest.MonkeyPatch, settings: Settings, topic: Topic) -> asyncio.Event:
    """Let the next fetch of a topic end the task that fetches for its consumer, as a lost connection did."""
    name, died = settings.layout.name(topic), asyncio.Event()
    as_it_was = AIOKafkaClient.send

    async def send(client: Any, node: int, request: Any, **named: Any) -> object:
        fetched = [name for name, _ in request.topics] if isinstance(request, FetchRequest) else []
        if name in fetched and not died.is_set():
            died.set()
            raise KeyError("the connection is gone")
        return await as_it_was(client, node, request, **named)

    monkeypatch.setattr(AIOKafkaClient, "send", send)
    return died


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short silences; a fetch may take longer than one, so Kafka is asked."""
    monkeypatch.setattr(reader, "SILENCE_SECONDS", 0.4)
    monkeypatch.setattr(reader, "POLL_MS", 500)
    monkeypatch.setattr(feed, "POLL_MS", 500)


async def test_a_lane_whose_consumer_has_died_opens_anew_and_misses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(settings, count):
        await words(settings, ("a", "one"))
        await counted(settings, 1)
        died = deadly(monkeypatch, settings, Word.topic)
        await words(settings, ("a", "two"))  # comes by the fetch that was under way
        async with asyncio.timeout(30):
            await died.wait()
        await words(settings, ("a", "three"))
        assert await counted(settings, 3) == [("a", "one", 1), ("a", "two", 2), ("a", "three", 3)]


async def test_a_lane_whose_fetches_fail_when_it_closes_opens_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then aiokafka stops its consumer by a cancellation that looks like one of the lane."""
    name, as_it_was, broken = settings.layout.name(Word.topic), AIOKafkaClient.send, asyncio.Event()

    async def send(client: Any, node: int, request: Any, **named: Any) -> object:
        answer = await as_it_was(client, node, request, **named)
        if broken.is_set() and isinstance(request, FetchRequest) and request.topics[0][0] == name:
            raise KafkaConnectionError("the connection is broken")
        return answer

    monkeypatch.setattr(AIOKafkaClient, "send", send)
    async with running(settings, count):
        await words(settings, ("a", "one"))
        await counted(settings, 1)
        restarts = REGISTRY.get_sample_value(RESTARTS, {"worker": "count"}) or 0
        broken.set()
        await words(settings, ("a", "two"))

        async def again() -> bool:
            return (REGISTRY.get_sample_value(RESTARTS, {"worker": "count"}) or 0) > restarts

        await eventually(again, lambda: "no lane opens anew")
        broken.clear()
        assert await counted(settings, 2) == [("a", "one", 1), ("a", "two", 2)]


async def test_a_restore_whose_consumer_has_died_begins_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = changelog("count", settings.dedup_window)
    async with running(settings, count):
        await words(settings, ("a", "one"))
        await read_until(settings, remembered, bool)
    died = deadly(monkeypatch, settings, remembered)
    async with running(settings, count):
        await words(settings, ("a", "two"))
        assert await counted(settings, 2) == [("a", "one", 1), ("a", "two", 2)]
    assert died.is_set()


async def test_a_member_whose_heartbeat_has_died_ends_its_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches the process starts it again; its group would give its lanes to others, and it would not know."""
    as_it_was = AIOKafkaClient.send

    async def send(client: Any, node: int, request: Any, **named: Any) -> object:
        if isinstance(request, HeartbeatRequest):
            raise ZeroDivisionError("what nobody has foreseen")
        return await as_it_was(client, node, request, **named)

    monkeypatch.setattr(AIOKafkaClient, "send", send)
    with pytest.raises(ZeroDivisionError):
        async with running(settings, count) as process, asyncio.timeout(30):
            await asyncio.wait([process])


async def test_who_follows_a_topic_is_told_that_its_consumer_has_died(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await words(settings, ("a", "one"))
    deadly(monkeypatch, settings, Word.topic)
    with pytest.raises(Stalled, match=r"test\.words/\d has records from 0 to 1"):
        await anext(records.read(settings, Word.topic.name, follow=True))


async def test_silence_is_believed_where_nothing_is_to_be_read(settings: Settings) -> None:
    """Also while a transaction is open: its record is there, and not to be read yet."""
    await topics.apply(settings, [Word.topic])
    tp = TopicPartition(settings.layout.name(Word.topic), 0)
    producer = clients.producer(settings, transactional_id=f"{settings.topic_prefix}open")
    consumer = clients.reader(settings, fetch_max_wait_ms=50)
    await producer.start()
    await consumer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(tp.topic, b"late", partition=0)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        for _ in range(3):
            assert await consumer.getmany(tp, timeout_ms=500) == {}
        await producer.commit_transaction()
        assert (await consumer.getone(tp)).value == b"late"
        for _ in range(3):  # behind it stands the mark of its transaction
            assert await consumer.getmany(tp, timeout_ms=500) == {}
    finally:
        await consumer.stop()
        await producer.stop()


async def test_a_connection_that_was_lost_is_told_as_such_on_uvloop(kafka_servers: str) -> None:
    """uvloop, on which all processes run, lets nobody write to one; here aiokafka has not noticed yet."""

    async def lose() -> None:
        async with AIOKafkaConsumer(bootstrap_servers=kafka_servers) as consumer:
            connection = await consumer._client._get_conn(consumer._client.get_random_node())
            connection._writer.transport.abort()
            connection._writer.transport._force_close(None)
            with pytest.raises(KafkaConnectionError):
                await connection.send(MetadataRequest([]))

    await asyncio.to_thread(uvloop.run, lose())


async def test_a_request_whose_connection_was_lost_has_timed_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error that aiokafka documents; what it raises otherwise ends the tasks within it."""
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        client = consumer._client
        node = client.get_random_node()
        assert await client.ready(node)
        (place, connection) = next((at, conn) for at, conn in client._conns.items() if at[0] == node)

        async def lost(*_: object, **__: object) -> None:
            del client._conns[place]
            raise TimeoutError

        monkeypatch.setattr(connection, "send", lost)
        with pytest.raises(RequestTimedOutError):
            await client.send(node, MetadataRequest([]))
        connection.close()
    finally:
        await consumer.stop()
