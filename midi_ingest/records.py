"""Reading a topic as an outsider does, for people: committed records, oldest first."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import orjson
from aiokafka import ConsumerRecord, TopicPartition

from broker import clients
from broker.settings import KafkaSettings
from schemas import headers as h


class NoSuchTopic(ValueError):
    """Kafka has no such topic; the message names those that begin alike."""


async def read(settings: KafkaSettings, name: str, *, follow: bool) -> AsyncGenerator[ConsumerRecord, None]:
    """The records that a topic holds now, in the order of each partition; then, if asked to, what comes.

    ``name`` may leave out the prefix.

    Raises:
        NoSuchTopic: there is none of this name.
        KafkaError: Kafka cannot be reached.
    """
    partitions = await _partitions(settings, name)
    consumer = clients.reader(settings, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        for tp in partitions:
            while await consumer.position(tp) < ends[tp]:
                for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, ()):
                    yield record
        while follow:
            yield await consumer.getone()
    finally:
        await consumer.stop()


async def _partitions(settings: KafkaSettings, name: str) -> list[TopicPartition]:
    admin = clients.admin(settings)
    try:
        await admin.start()
        existing = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    finally:
        await admin.close()
    for candidate in (name, settings.topic_prefix + name):
        if found := existing.get(candidate):
            return [TopicPartition(candidate, p) for p in sorted(one["partition"] for one in found)]
    ours = sorted(topic for topic in existing if topic.startswith(settings.topic_prefix))
    raise NoSuchTopic(f"There is no topic {name!r}. There are {', '.join(ours) or 'none of ours'}.")


def as_line(record: ConsumerRecord) -> str:
    """A record's key and value for people; of a value that is no text, its length."""
    key = "-" if record.key is None else record.key.decode("utf-8", "backslashreplace")
    if record.value is None:
        return f"{key} (deleted)"
    try:
        return f"{key} {record.value.decode()}"
    except UnicodeDecodeError:
        return f"{key} ({len(record.value)} bytes)"


def as_json(record: ConsumerRecord) -> str:
    """A record as one line of JSON; a value that is no JSON is text, its bytes as backslash escapes where need be."""
    try:
        value: object = None if record.value is None else orjson.loads(record.value)
    except orjson.JSONDecodeError:
        value = record.value.decode("utf-8", "backslashreplace")
    return json.dumps(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp,
            "key": None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
            "headers": h.from_wire(record.headers),
            "value": value,
        },
        ensure_ascii=False,
    )
