"""Where several processes keep their metrics: nothing is left there for good."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from midi_ingest.metrics_dir import PREFIX, metrics_dir

KILLED = """
import os, signal
from midi_ingest.metrics_dir import metrics_dir

with metrics_dir() as folder:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's directory for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_directory_is_removed_at_the_end(temporary: Path) -> None:
    with metrics_dir() as folder:
        assert Path(folder).parent == temporary
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_has_left_is_removed_by_the_next(temporary: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    (left,) = temporary.iterdir()
    (left / "counter_1.db").touch()
    with metrics_dir() as folder:
        assert list(temporary.iterdir()) == [Path(folder)]


def test_what_a_running_process_has_stays(temporary: Path) -> None:
    with metrics_dir() as one, metrics_dir() as other:
        assert sorted(map(str, temporary.iterdir())) == sorted([one, other])


def test_what_is_not_certainly_left_stays(temporary: Path) -> None:
    """Another process may just be making it, or it is somebody else's."""
    (temporary / f"{PREFIX}new").mkdir()
    (temporary / f"{PREFIX}file").touch()
    elsewhere = temporary / "elsewhere"
    elsewhere.touch()
    (temporary / f"{PREFIX}odd").mkdir()
    (temporary / f"{PREFIX}odd" / "lock").symlink_to(elsewhere)
    before = sorted(temporary.iterdir())
    with metrics_dir():
        pass
    assert sorted(temporary.iterdir()) == before
