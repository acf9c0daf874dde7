"""Which process has which store."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from workers.runtime.state import files
from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.errors import StateError
from workers.runtime.state.files import claim, open_store, path_of
from workers.runtime.state.store import Change
from workers.settings import WorkerSettings

WINDOW_MS = 10
CHECKPOINT = Checkpoint("topic", "shape", 7, 1234)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be, in a directory that does not exist yet."""
    return tmp_path / "state" / "midi.w-3.sqlite3"


def test_a_store_is_named_like_the_lanes_transactional_id(tmp_path: Path) -> None:
    settings = WorkerSettings(state_dir=tmp_path)
    assert path_of(settings, "deduplicate", 3) == tmp_path / "midi.deduplicate-3.sqlite3"
    assert path_of(WorkerSettings(), "deduplicate", 3) is None


def test_a_store_is_there_when_it_is_opened_again(path: Path) -> None:
    store = open_store(path, WINDOW_MS)
    store.apply([Change("a", b"1", 1)], CHECKPOINT)
    store.close()
    again = open_store(path, WINDOW_MS)
    assert (len(again), again.checkpoint) == (1, CHECKPOINT)
    again.close()


def test_while_another_has_the_file_the_store_is_temporary(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_PATIENCE_SECONDS", 0.0)
    first = open_store(path, WINDOW_MS)
    first.apply([Change("a", b"1", 1)], CHECKPOINT)
    second = open_store(path, WINDOW_MS)
    second.apply([Change("b", b"1", 1)])
    assert ([item.key for item in first.items()], second.checkpoint) == (["a"], None)
    second.close()
    assert claim(path) is None
    first.close()
    lock = claim(path)
    assert lock is not None
    os.close(lock)


def test_the_file_of_a_process_that_is_just_dying_is_waited_for(path: Path) -> None:
    first = open_store(path, WINDOW_MS)
    first.apply((), CHECKPOINT)
    threading.Timer(0.1, first.close).start()
    second = open_store(path, WINDOW_MS)
    assert second.checkpoint == CHECKPOINT
    second.close()


def test_a_broken_file_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"swordfish" * 1000)
    store = open_store(path, WINDOW_MS)
    assert (len(store), store.checkpoint) == (0, None)
    store.close()


def test_a_directory_that_may_not_be_written_to_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StateError, match=rf"{tmp_path}/state.*MIDI_INGEST_STATE_DIR"):
        open_store(tmp_path / "state" / "x.sqlite3", WINDOW_MS)
