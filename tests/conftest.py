"""What all tests share: one real Kafka a session, topics of its own for each test, no setting from outside."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest

from broker import security, topics
from broker.embedded import EmbeddedKafka
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from tests.kafka_container import KafkaContainer
from tests.topics import delete_topics, make_settings
from workers.files.secrets import PREFIXES

_OURS = "MIDI_INGEST_TEST_"
_PRODUCTIONS = ("MIDI_INGEST_", *PREFIXES.values())
_KAFKA = {"KAFKA_BOOTSTRAP_SERVERS", *security.VARIABLES}

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> None:
    """A setting in the environment may point at production; what is meant for tests begins with our own prefix."""
    for name in list(os.environ):
        if name in _KAFKA or (name.startswith(_PRODUCTIONS) and not name.startswith(_OURS)):
            del os.environ[name]


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


def _docker_answers() -> bool:
    try:
        return (
            subprocess.run(["docker", "version"], capture_output=True, timeout=10, check=False).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
