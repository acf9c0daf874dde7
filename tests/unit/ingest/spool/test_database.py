"""One SQLite file, without threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.spool.database import Database, Row, Totals
from tests.unit.ingest.spool.stand_in import record

ROWS = [Row.of(record(number), 1000.0 + number) for number in range(3)]
SIZE = ROWS[0].size_bytes


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new database."""
    opened = Database(tmp_path / "spool.sqlite3", create=True)
    yield opened
    opened.close()


def test_totals_are_exact_also_for_who_opens_it_next(database: Database, tmp_path: Path) -> None:
    assert database.totals == Totals(0, 0, None)
    database.insert(ROWS)
    assert database.totals == Totals(3, 3 * SIZE, 1000.0)
    database.delete(database.after(0, most=1, most_bytes=1))
    assert database.totals == Totals(2, 2 * SIZE, 1001.0)
    with closing(Database(tmp_path / "spool.sqlite3", create=False)) as other:
        assert other.totals == database.totals


def test_what_is_gone_already_is_not_deleted_twice(database: Database) -> None:
    """Were it counted twice, a file that still holds records would seem empty, and be removed."""
    database.insert(ROWS)
    entries = database.after(0, most=2, most_bytes=10 * SIZE)
    database.delete(entries)
    database.delete(entries)
    assert database.totals == Totals(1, SIZE, 1002.0)
    assert not database.is_empty()


def test_a_position_is_never_used_again(database: Database) -> None:
    database.insert(ROWS)
    entries = database.after(0, most=10, most_bytes=10 * SIZE)
    database.delete(entries)
    assert database.is_empty()
    database.insert(ROWS)
    assert database.after(0, most=1, most_bytes=1)[0].position > entries[-1].position


def test_a_commit_is_written_through_to_the_disk(database: Database) -> None:
    """2 is FULL: with NORMAL, SQLite syncs no commit in this journal mode (sqlite.org/pragma.html)."""
    assert database._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_failed_commit_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    database.insert(ROWS[:1])
    with pytest.raises(sqlite3.IntegrityError):
        database.insert([ROWS[1], ROWS[2]._replace(topic=None)])  # type: ignore[arg-type]  # NOT NULL there
    database.close()
    with closing(Database(tmp_path / "spool.sqlite3", create=False)) as other:
        assert other.totals == Totals(1, SIZE, 1000.0)


def test_a_file_that_is_mostly_free_shrinks(database: Database, tmp_path: Path) -> None:
    """One record is enough to keep it, and other processes count its size on the disk."""
    database.insert([row._replace(value=bytes(100_000)) for row in ROWS] * 100)
    full_bytes = on_disk(tmp_path)
    for entry in database.after(0, most=299, most_bytes=2**30):
        database.delete([entry])
    assert full_bytes > 30_000_000
    assert on_disk(tmp_path) < 6 * 2**20
    assert len(database.after(0, most=10, most_bytes=2**30)) == 1


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_the_log_does_not_stay_large(database: Database, tmp_path: Path) -> None:
    for _ in range(3):
        database.insert([row._replace(value=bytes(5_000_000)) for row in ROWS])
        database.delete(database.after(0, most=10, most_bytes=2**30))
    database.insert(ROWS)
    assert (tmp_path / "spool.sqlite3-wal").stat().st_size < 2 * 2**20
