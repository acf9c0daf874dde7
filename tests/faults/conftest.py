"""A Kafka of its own for each file of fault tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from broker.embedded import EmbeddedKafka
from broker.embedded.ports import free_port


@pytest.fixture(scope="module")
async def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EmbeddedKafka]:
    """A Kafka for this file, to be stopped and frozen; with what the file's ``KAFKA`` sets, if it does."""
    extra = getattr(request.module, "KAFKA", {})
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), free_port(), extra=extra)
    await kafka.start()
    yield kafka
    await kafka.stop()
