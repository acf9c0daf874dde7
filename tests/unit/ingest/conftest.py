"""An ingress that publishes to a list."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ingest.limits import Limit
from tests.unit.ingest.wire import Published, Refusals, refused, running


@pytest.fixture
def published() -> Published:
    """What was published, in order."""
    return Published()


@pytest.fixture
def refusals() -> Refusals:
    """What limits have refused since the test began."""
    before = refused()
    return lambda: {limit: count for limit in Limit if (count := refused()[limit] - before[limit])}


@pytest.fixture
async def port(published: Published) -> AsyncIterator[int]:
    """The port of an ingress; bodies may have 4096 bytes."""
    async with running(published) as port:
        yield port
