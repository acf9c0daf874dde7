"""A store in a file: killed, broken, closed while it is used."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.workers.runtime.state.crash import KEYS, change
from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.errors import StoreError
from workers.runtime.state.sqlite import SUFFIXES, SqliteStore, WrongFile, remove
from workers.runtime.state.store import Change

ROOT = Path(__file__).parents[5]
CHECKPOINT = Checkpoint("topic", "shape", 7, 1234)
WINDOW_MS = 10


def killed_while_it_changes(path: Path, batches: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.workers.runtime.state.crash", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        for _ in range(batches):
            process.stdout.readline()
        process.kill()


def test_killed_at_any_moment_it_holds_exactly_what_its_checkpoint_says(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    positions = []
    for batches in (200, 133, 351):
        killed_while_it_changes(path, batches)
        store = SqliteStore(path, 10**9)
        assert store.checkpoint is not None
        end = store.checkpoint.position
        assert list(store.items()) == [change(number) for number in range(max(0, end - KEYS), end)]
        assert (len(store), store.newest_ms) == (min(end, KEYS), end - 1)
        positions.append(end)
        store.close()
    assert 0 < positions[0] < positions[1] < positions[2]


def test_what_was_cleared_and_not_completed_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path, WINDOW_MS)
    store.apply([Change("a", b"1", 1)], CHECKPOINT)
    store.clear()
    store.apply([Change("b", b"1", 1)])
    store.close()
    with pytest.raises(WrongFile, match="never complete"):
        SqliteStore(path, WINDOW_MS)


def test_a_store_that_is_being_filled_syncs_nothing_and_all_before_its_checkpoint(tmp_path: Path) -> None:
    """1 is NORMAL, 0 OFF (sqlite.org/pragma.html); what is in the database without its log was synced with it."""
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path, WINDOW_MS)

    def synchronous() -> int:
        return int(store._connection.execute("PRAGMA synchronous").fetchone()[0])

    assert synchronous() == 1
    store.clear()
    assert synchronous() == 0
    store.apply([Change("a", b"1", 1)])
    assert synchronous() == 0
    store.apply((), CHECKPOINT)
    assert synchronous() == 1
    without_log = shutil.copy(path, tmp_path / "copy.sqlite3")
    with sqlite3.connect(without_log) as synced:
        assert synced.execute("SELECT key FROM entries").fetchall() == [("a",)]
    synced.close()
    store.close()


def test_a_store_that_is_complete_for_the_first_time_is_so_also_after_kill_9(tmp_path: Path) -> None:
    """All the time that it took to fill it would be lost if that waited for the next change."""
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path, WINDOW_MS)
    store.clear()
    store.apply([Change("a", b"1", 1)])
    store.apply((), CHECKPOINT)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT keys, position FROM state").fetchone() == (1, CHECKPOINT.position)
    other.close()
    store.close()


def test_a_file_that_is_no_database_or_of_another_version_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(b"swordfish" * 1000)
    with pytest.raises(WrongFile):
        SqliteStore(path, WINDOW_MS)
    remove(path)
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 4711")
    other.close()
    with pytest.raises(WrongFile, match="4711"):
        SqliteStore(path, WINDOW_MS)


def test_a_directory_that_is_gone_is_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made"):
        SqliteStore(tmp_path / "gone" / "store.sqlite3", WINDOW_MS)


def test_a_file_that_breaks_is_deleted_and_the_lane_opens_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path, 10**9)
    store.apply([Change(f"key-{number}", b"1" * 1000, number) for number in range(500)], CHECKPOINT)
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))
    broken = SqliteStore(path, 10**9)
    with pytest.raises(StoreError):
        list(broken.items())
    broken.close()
    assert [suffix for suffix in SUFFIXES if path.with_name(path.name + suffix).exists()] == []


def test_after_an_error_nothing_of_what_is_not_committed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = SqliteStore(path, WINDOW_MS)
    store.apply([Change("a", b"1", 1)], CHECKPOINT)
    store._commit()
    store.apply([Change("b", b"1", 1)])
    store._connection.execute("DROP TABLE state")
    with pytest.raises(StoreError, match="no such table"):
        store.apply([Change("c", b"1", 1)])
    store.close()
    again = SqliteStore(path, WINDOW_MS)
    assert [item.key for item in again.items()] == ["a"]
    assert again.checkpoint == CHECKPOINT
    again.close()


def test_who_still_uses_a_closed_store_gets_an_error(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3", WINDOW_MS)
    store.close()
    with pytest.raises(StoreError):
        store.get("a")
    with pytest.raises(StoreError):
        store.apply([Change("a", b"1", 1)])


def test_however_many_expire_at_once_each_change_deletes_only_some(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite3", WINDOW_MS)
    store.apply([Change(str(number), b"1", 0) for number in range(5_000)])
    store.apply([Change("late", b"1", 100)])
    assert 0 < len(store) - 1 < 5_000
    while len(store) > 1:
        before = len(store)
        store.apply([Change("late", b"1", 100)])
        assert len(store) < before
    store.close()
