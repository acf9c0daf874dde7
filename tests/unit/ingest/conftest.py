"""An ingress that publishes to a list."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.ingest.wire import Published, running


@pytest.fixture
def published() -> Published:
    """What was published, in order."""
    return Published()


@pytest.fixture
async def port(published: Published) -> AsyncIterator[int]:
    """The port of an ingress; bodies may have 4096 bytes."""
    async with running(published) as port:
        yield port
