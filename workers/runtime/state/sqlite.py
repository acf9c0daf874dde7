"""A store in SQLite: in a file that outlives the process, or in a temporary one that nobody else sees.

A file has a write-ahead log and ``synchronous=NORMAL``: after ``kill -9`` or a loss of power it is as some commit
left it, values and checkpoint together. It may have lost the last commits; they are in the changelog. So commits are
few: one holds the changes of a second. While a store is filled from nothing, none of it is synced, and it has no
checkpoint before all of it is.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from itertools import takewhile
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.errors import StoreError
from workers.runtime.state.store import Change

SUFFIXES: Final = ("", "-wal", "-shm")
"""What SQLite adds to a file's name for the files beside it."""

_VERSION: Final = 1
_CACHE_KIB: Final = 4 * 1024
_PRIMARY: Final = 0xFF
"""The part of SQLite's extended result codes that says what kind of error it is."""
_BROKEN: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_COMMIT_SECONDS: Final = 1.0
_COMMIT_CHANGES: Final = 5_000
_EXPIRED_AT_ONCE: Final = 1_000
"""Changes delete at least so many of the expired values, and twice as many as they are: none is late for long."""
_ITEMS_AT_ONCE: Final = 1_000
_KEYS_AT_ONCE: Final = 500

_ON_DISK: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL")
_TEMPORARY: Final = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF")
_SCHEMA: Final = (
    # A change gets a new position: they are in the order of changes, and what expires first stands first.
    "CREATE TABLE entries (position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "timestamp_ms INTEGER NOT NULL, value BLOB NOT NULL)",
    "CREATE TABLE state (newest_ms INTEGER NOT NULL, keys INTEGER NOT NULL, topic_id TEXT, shape TEXT, "
    "position INTEGER, as_of_ms INTEGER)",
    "INSERT INTO state (newest_ms, keys) VALUES (0, 0)",
    f"PRAGMA user_version = {_VERSION}",
)
_GET: Final = "SELECT value, timestamp_ms FROM entries WHERE key = ?"
_GET_ALL: Final = "SELECT key, value, timestamp_ms FROM entries WHERE key IN ({})"
_DELETE: Final = "DELETE FROM entries WHERE key = ?"
_INSERT: Final = "INSERT INTO entries (key, timestamp_ms, value) VALUES (?, ?, ?)"
_OLDEST: Final = "SELECT position, timestamp_ms FROM entries ORDER BY position LIMIT ?"
_DELETE_UP_TO: Final = "DELETE FROM entries WHERE position <= ?"
_NEXT: Final = (
    "SELECT position, key, value, timestamp_ms FROM entries WHERE position > ? ORDER BY position LIMIT ?"
)
_STATE: Final = "SELECT newest_ms, keys, topic_id, shape, position, as_of_ms FROM state"
_SET_TOTALS: Final = "UPDATE state SET newest_ms = ?, keys = ?"
_SET_CHECKPOINT: Final = "UPDATE state SET topic_id = ?, shape = ?, position = ?, as_of_ms = ?"

P = ParamSpec("P")
R = TypeVar("R")


class WrongFile(Exception):
    """The file is of another version, broken or was never complete: it can only be made anew."""


def _guarded(
    method: Callable[Concatenate[SqliteStore, P], R],
) -> Callable[Concatenate[SqliteStore, P], R]:
    """One thread at a time: a lane may close its store while a function that it gave up on is still at it.

    After an error of SQLite's the store is closed, and what is not committed rolled back. A broken file is deleted.
    """

    def guarded(self: SqliteStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            try:
                return method(self, *args, **kwargs)
            except sqlite3.Error as error:
                self._connection.close()
                if self._path and getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _BROKEN:
                    remove(self._path)
                raise StoreError(f"The store of a lane's state, {self._name}, failed: {error}.") from error

    return guarded


class SqliteStore:
    """An open store; without a path it is temporary, and SQLite deletes it when it is closed."""

    def __init__(self, path: Path | None, window_ms: int, lock: int | None = None) -> None:
        """Open it, and make it where there is none; ``lock`` is closed with it.

        Raises:
            WrongFile: what is there cannot be used.
            StoreError: SQLite cannot open it.
        """
        self._path, self._name = path, str(path or "a temporary file")
        self._window_ms = window_ms
        self._lock, self._held = threading.Lock(), lock
        self._uncommitted, self._committed_at = 0, time.monotonic()
        self._absent: set[str] = set()  # keys that were looked up in vain, and have not been put since
        try:
            self._connection = sqlite3.connect(str(path or ""), isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreError(
                f"The store of a lane's state, {self._name}, cannot be made: {error}."
            ) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _BROKEN:
                raise WrongFile(str(error)) from error
            raise StoreError(
                f"The store of a lane's state, {self._name}, cannot be opened: {error}."
            ) from error
        except WrongFile:
            self._connection.close()
            raise

    def __len__(self) -> int:
        return self._keys

    @property
    @_guarded
    def size_bytes(self) -> int:
        """What it takes on disk, but for the log that SQLite writes first."""
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int(pages * page_bytes)

    @_guarded
    def get(self, key: str) -> Change | None:
        """The last change of a key."""
        row = self._connection.execute(_GET, (key,)).fetchone()
        return Change(key, *row) if row else None

    @_guarded
    def get_all(self, keys: Sequence[str]) -> dict[str, Change]:
        """The last changes of those keys that have a value."""
        found: dict[str, Change] = {}
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[first : first + _KEYS_AT_ONCE]
            rows = self._connection.execute(_GET_ALL.format(", ".join("?" * len(some))), some)
            found |= {key: Change(key, value, timestamp_ms) for key, value, timestamp_ms in rows}
        self._absent = set(keys).difference(found)
        return found

    def items(self) -> Iterator[Change]:
        """All values, in the order of their changes; one that changes meanwhile may come twice."""
        position = 0
        while rows := self._after(position):
            yield from (Change(*columns) for _, *columns in rows)
            position = rows[-1][0]

    @_guarded
    def apply(self, changes: Sequence[Change], checkpoint: Checkpoint | None = None) -> None:
        """Take over changes, the checkpoint with them, and delete some of what has expired."""
        complete = checkpoint is not None and not self._synced  # for the first time
        if complete:
            self._sync()
        self._begin()
        self._put(changes)
        self._expire(2 * len(changes) + _EXPIRED_AT_ONCE)
        self._connection.execute(_SET_TOTALS, (self.newest_ms, self._keys))
        if checkpoint:
            self._set_checkpoint(checkpoint)
        self._uncommitted += len(changes)
        late = time.monotonic() - self._committed_at >= _COMMIT_SECONDS
        if complete or late or self._uncommitted >= _COMMIT_CHANGES:
            self._commit()

    @_guarded
    def clear(self) -> None:
        """Forget everything, and sync nothing until there is a checkpoint again."""
        self._begin()
        self._connection.execute("DELETE FROM entries")
        self._set_checkpoint(None)
        self.newest_ms = self._keys = 0
        self._connection.execute(_SET_TOTALS, (0, 0))
        self._sync()
        self._connection.execute("PRAGMA synchronous = OFF")
        self._synced = False

    def close(self) -> None:
        """Commit what is left, if that is possible, and let go of the file; twice does no harm."""
        with self._lock, contextlib.suppress(sqlite3.Error):  # what is not committed is in the changelog
            self._commit()
        with self._lock:
            self._connection.close()
            if self._held is not None:
                os.close(self._held)
                self._held = None

    def _prepare(self) -> None:
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for setting in _ON_DISK if self._path else _TEMPORARY:
            self._connection.execute(setting)
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._begin()
            for statement in _SCHEMA:
                self._connection.execute(statement)
            self._commit()
        elif version != _VERSION:
            raise WrongFile(f"it is of version {version}, not {_VERSION}")
        self.newest_ms, self._keys, *columns = self._connection.execute(_STATE).fetchone()
        self.checkpoint = Checkpoint(*columns) if None not in columns else None
        self._synced = True
        if version and not self.checkpoint:
            raise WrongFile("it was never complete")

    def _put(self, changes: Sequence[Change]) -> None:
        last: dict[str, Change] = {}
        for change in changes:
            last.pop(change.key, None)  # so that they stay in order
            last[change.key] = change
        values = [change for change in last.values() if change.value is not None]
        there = [(key,) for key in last if key not in self._absent]
        deleted = self._connection.executemany(_DELETE, there).rowcount if there else 0
        self._absent.clear()
        self._connection.executemany(_INSERT, [(c.key, c.timestamp_ms, c.value) for c in values])
        self._keys += len(values) - deleted
        self.newest_ms = max([self.newest_ms, *(c.timestamp_ms for c in changes if c.value is not None)])

    def _expire(self, most: int) -> None:
        oldest = self._connection.execute(_OLDEST, (most,))
        expired = [position for position, _ in takewhile(self._is_expired, oldest)]
        if expired:
            self._keys -= self._connection.execute(_DELETE_UP_TO, (expired[-1],)).rowcount

    def _is_expired(self, row: tuple[int, int]) -> bool:
        return row[1] + self._window_ms < self.newest_ms

    def _set_checkpoint(self, checkpoint: Checkpoint | None) -> None:
        columns = astuple(checkpoint) if checkpoint else (None, None, None, None)
        self._connection.execute(_SET_CHECKPOINT, columns)
        self.checkpoint = checkpoint

    @_guarded
    def _after(self, position: int) -> list[tuple[Any, ...]]:
        return self._connection.execute(_NEXT, (position, _ITEMS_AT_ONCE)).fetchall()

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        self._uncommitted, self._committed_at = 0, time.monotonic()

    def _sync(self) -> None:
        """Commit, and have all that was ever written to the file on the disk before anything that follows."""
        self._commit()
        if self._path:
            self._connection.execute("PRAGMA synchronous = NORMAL")
            # With nothing in its log, SQLite would not sync what it wrote into the database while syncing was off.
            self._connection.execute(_SET_TOTALS, (self.newest_ms, self._keys))
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise sqlite3.OperationalError("another process keeps the file busy")
        self._synced = True


def remove(path: Path) -> None:
    """Delete the file of a store that nobody has open, and those beside it; once they are gone it does nothing."""
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
