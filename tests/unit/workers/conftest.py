"""What holds for all tests of workers."""

from __future__ import annotations

import pytest

from workers.runtime import handle


@pytest.fixture(autouse=True)
def _time_for_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other things ends no batch; a test of the budget sets its own."""
    monkeypatch.setattr(handle, "BUDGET_SECONDS", 60.0)
