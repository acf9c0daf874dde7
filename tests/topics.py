"""Topics in tests: a prefix of their own; written and read as an outsider would, committed records only."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka import TopicPartition

from broker import clients
from broker.settings import KafkaSettings
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas.message import Topic

PARTITIONS = 3
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Seen:
    """A record as an outsider sees it."""

    key: str
    value: bytes
    headers: Mapping[str, str]
    partition: int
    offset: int


async def read_all(settings: KafkaSettings, topic: Topic) -> list[Seen]:
    """All committed records of a topic, up to its present end."""
    consumer = clients.reader(settings, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        partitions = [TopicPartition(settings.layout.name(topic), p) for p in range(settings.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        seen = []
        for tp, end in ends.items():
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                    headers = h.from_wire(record.headers)
                    key = (record.key or b"").decode()
                    seen.append(Seen(key, record.value or b"", headers, record.partition, record.offset))
        return seen
    finally:
        await consumer.stop()


async def read_until(
    settings: KafkaSettings,
    topic: Topic,
    enough: Callable[[list[Seen]], bool],
    patience: float = PATIENCE_SECONDS,
) -> list[Seen]:
    """The committed records of a topic, once there are enough.

    Raises:
        AssertionError: there are not in time; it shows what there is.
    """
    seen: list[Seen] = []

    async def there() -> bool:
        seen[:] = await read_all(settings, topic)
        return enough(seen)

    await eventually(there, lambda: f"{topic.name} has only {[(s.key, s.headers) for s in seen]}", patience)
    return seen


async def eventually(
    condition: Callable[[], Awaitable[bool]], otherwise: Callable[[], str], patience: float = PATIENCE_SECONDS
) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it does not in time; ``otherwise`` says how it is then.
    """
    try:
        async with asyncio.timeout(patience):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(otherwise()) from None


async def write(
    settings: KafkaSettings, topic: Topic, *records: tuple[str | None, bytes, Mapping[str, str]]
) -> None:
    """Append records (key, value, headers) as any producer would."""
    producer = clients.producer(settings)
    await producer.start()
    try:
        for key, value, headers in records:
            wire = h.to_wire(headers)
            name = settings.layout.name(topic)
            await producer.send_and_wait(name, value, key=key.encode() if key else None, headers=wire)
    finally:
        await producer.stop()


def make_settings(kafka_servers: str, folder: Path) -> Settings:
    """Settings that nobody else has; free ports, short retry delays."""
    return Settings(
        kafka_bootstrap_servers=kafka_servers,
        topic_prefix=f"test-{uuid.uuid4().hex[:12]}.",
        partitions=PARTITIONS,
        store=str(folder / "store"),
        data_dir=folder / "data",
        retry_delays=("1s", "2s"),
        port=0,
    )


async def delete_topics(settings: Settings) -> None:
    """Delete all topics with a test's prefix."""
    admin = clients.admin(settings)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
        await admin.delete_topics(names)
    finally:
        await admin.close()
