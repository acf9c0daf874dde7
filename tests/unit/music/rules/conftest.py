"""Every rule holds by both ways of the music."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.music.ways import by_columns, note_by_note


@pytest.fixture(autouse=True, params=[by_columns, note_by_note])
def _either_way(request: pytest.FixtureRequest) -> Iterator[None]:
    with request.param():
        yield
