"""A Kafka of its own for each file of fault tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from broker.embedded import EmbeddedKafka
from broker.embedded.ports import free_port


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """A Kafka for this file, to be stopped and frozen."""
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), free_port())
    await kafka.start()
    yield kafka
    await kafka.stop()
