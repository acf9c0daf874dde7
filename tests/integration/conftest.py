"""One real Kafka a session, and topics of its own for each test."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker import clients, topics
from broker.embedded import EmbeddedKafka
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from tests.kafka_container import KafkaContainer

PARTITIONS = 3


@pytest.fixture(scope="session")
async def kafka_servers() -> AsyncIterator[str]:
    """A real Kafka: the one named by MIDI_INGEST_TEST_KAFKA, else in Docker where it answers, else embedded."""
    if servers := os.environ.get("MIDI_INGEST_TEST_KAFKA"):
        yield servers
    elif _docker_answers():
        with KafkaContainer() as container:
            yield container.bootstrap_servers
    else:
        with tempfile.TemporaryDirectory(prefix="midi-ingest-kafka-") as folder:
            async with EmbeddedKafka(Path(folder), port=0) as kafka:
                yield kafka.bootstrap_servers


@pytest.fixture
async def settings(kafka_servers: str, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings with a topic prefix and a store of their own; the topics exist, and are deleted afterwards."""
    own = make_settings(kafka_servers, tmp_path)
    await topics.apply(own, wanted(own))
    yield own
    await delete_topics(own)


@pytest.fixture
def kafka(settings: Settings) -> Settings:
    """The same, for tests that care only for Kafka."""
    return settings


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


def _docker_answers() -> bool:
    try:
        return (
            subprocess.run(["docker", "version"], capture_output=True, timeout=10, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
