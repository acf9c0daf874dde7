"""A folder for the spool, and pauses short enough for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.spool import spool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The spool's folder, which does not exist yet."""
    return tmp_path / "spool"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(spool, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(spool, "LOOK_SECONDS", 0.05)
