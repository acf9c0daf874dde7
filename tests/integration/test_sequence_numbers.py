"""Whatever Kafka refuses, no later record of the partition is taken for a repeat of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.protocol.produce import ProduceRequest

from broker import clients, topics
from ingest.limits import Budgets
from ingest.publishing.batches import TooLarge
from ingest.publishing.publisher import Publisher, publishing
from ingest.record import Record
from midi_ingest.settings import Settings
from schemas.callback import Callback
from schemas.topics import shared
from tests.topics import delete_topics, eventually, make_settings, read_all

LARGE = os.urandom(300_000)
SMALLER_BYTES = 100_000


async def limit(settings: Settings, topic: str, most_bytes: int) -> None:
    """Lower what a topic takes, as an operator would, and wait until Kafka heeds it."""
    admin, probe = clients.admin(settings), clients.producer(settings)
    await admin.start()
    await probe.start()
    try:
        config = {"max.message.bytes": str(most_bytes)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
        with suppress(MessageSizeTooLargeError):
            while True:
                await probe.send_and_wait(topic, LARGE, key=b"probe")
    finally:
        await probe.stop()
        await admin.close()


def lose_one_answer(producer: AIOKafkaProducer, settings: Settings, topic: str) -> None:
    """Lose Kafka's next answer to a produce request; before it is sent again, the topic takes less."""
    send = producer.client.send

    async def lose(node: int, request: Any, **more: Any) -> Any:
        answer = await send(node, request, **more)
        if not isinstance(request, ProduceRequest):
            return answer
        producer.client.send = send
        await limit(settings, topic, SMALLER_BYTES)
        raise KafkaConnectionError("the answer was lost")

    producer.client.send = lose


async def ready(publisher: Publisher) -> AIOKafkaProducer:
    async def is_ready() -> bool:
        return publisher.ready

    await eventually(is_ready, lambda: "not ready")
    assert publisher._link.producer is not None
    return publisher._link.producer


async def test_what_follows_a_record_that_is_refused_when_it_is_sent_again_is_kept(
    kafka_servers: str, tmp_path: Path
) -> None:
    settings = make_settings(kafka_servers, tmp_path)
    await topics.apply(settings, shared())
    topic = settings.layout.name(Callback.topic)

    async with publishing(settings, Budgets.of(2**30), on_failure=lambda: None) as publisher:
        producer = await ready(publisher)
        await publisher.publish(Record(topic, b"key", b"before", []))
        lose_one_answer(producer, settings, topic)
        with pytest.raises(TooLarge):
            await publisher.publish(Record(topic, b"key", LARGE, []))
        for number in range(5):
            await publisher.publish(Record(topic, b"key", b"after %d" % number, []))

    values = [record.value for record in await read_all(settings, Callback.topic) if record.key == "key"]
    assert values == [b"before", LARGE, *(b"after %d" % number for number in range(5))]
    await delete_topics(settings)
