"""The SQLite database in one file of the spool; for one thread.

Write-ahead log and ``synchronous=FULL``: what is committed is on the disk (with ``NORMAL`` it would not be).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from ingest.record import Record
from ingest.spool.errors import SpoolBroken, SpoolCorrupt, SpoolFull
from schemas.headers import WireHeaders

PAGE_BYTES: Final = 16 * 1024
"""Bodies are tens of kilobytes and more: pages of this size take two thirds of the CPU time of SQLite's own 4 KiB."""

CHECKPOINT_PAGES: Final = 64
"""At this size, 1 MiB, the log is written into the database: a commit that has to wait for that waits briefly."""

RESERVE_BYTES: Final = 2 * CHECKPOINT_PAGES * PAGE_BYTES
"""Left free on the disk: without room for the log and for what is in it, nothing could be deleted either."""

SHRINK_PAGES: Final = 256
"""A file of which three quarters are free, and so many pages or 4 MiB, becomes so much smaller with each delete: other
processes count its size on the disk, and it may be kept for one record."""

_VERSION: Final = 1
_SETTINGS: Final = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {CHECKPOINT_PAGES * PAGE_BYTES}",
)
_SCHEMA: Final = (
    # Without AUTOINCREMENT, a position would be used again once the last record is deleted.
    "CREATE TABLE records (position INTEGER PRIMARY KEY AUTOINCREMENT, received_at REAL NOT NULL, "
    "topic TEXT NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL)",
    f"PRAGMA user_version = {_VERSION}",
)
_INSERT: Final = "INSERT INTO records (received_at, topic, key, headers, value) VALUES (?, ?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM records WHERE position = ?"
_AFTER: Final = (
    # Whatever the types of what a damaged row holds, bytes are read.
    "SELECT position, CAST(topic AS BLOB), CAST(key AS BLOB), CAST(headers AS BLOB), CAST(value AS BLOB) FROM records "
    "WHERE position > ? AND position NOT IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?"
)
_TOTALS: Final = (
    "SELECT count(*), coalesce(sum(length(key) + length(headers) + length(value)), 0), min(CAST(received_at AS REAL)) "
    "FROM records"
)
_OLDEST: Final = "SELECT CAST(received_at AS REAL) FROM records ORDER BY position LIMIT 1"

_REMOVED: Final = "A file of the spool was removed while it was in use."
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PRIMARY: Final = 0xFF
"""The part of SQLite's extended result codes that says what kind of error it is."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(WireHeaders).decode


class Row(NamedTuple):
    """A record as it is stored: when it was received (Unix seconds), and its headers as msgpack."""

    received_at: float
    topic: str
    key: bytes
    headers: bytes
    value: bytes

    @classmethod
    def of(cls, record: Record, received_at: float) -> Self:
        """The record as it is stored."""
        return cls(received_at, record.topic, record.key, _encode(record.headers), record.value)

    @property
    def size_bytes(self) -> int:
        """What the record counts for in totals and in the quota."""
        return len(self.key) + len(self.headers) + len(self.value)


class Entry(NamedTuple):
    """A stored record, its position (later is greater), and what it counts for; None where it cannot be decoded."""

    position: int
    size_bytes: int
    record: Record | None

    @classmethod
    def of(cls, position: int, topic: bytes, key: bytes, headers: bytes, value: bytes) -> Self:
        """The entry that a row's columns are."""
        size_bytes = len(key) + len(headers) + len(value)
        try:
            return cls(position, size_bytes, Record(topic.decode(), key, value, _decode(headers)))
        except (UnicodeDecodeError, msgspec.MsgspecError):
            return cls(position, size_bytes, None)


class Totals(NamedTuple):
    """What a file holds; ``oldest`` is when its first record was received (Unix seconds)."""

    records: int = 0
    size_bytes: int = 0
    oldest: float | None = None


class Database:
    """One open database; `totals` is what it holds. After an error of SQLite's, close it and open another."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open it, and make its table where it is new.

        Raises:
            sqlite3.Error: SQLite cannot open it, or it is no database.
            SpoolCorrupt: the file is gone, or was written by another version.
        """
        self._path = path
        if not create and not path.exists():
            raise SpoolCorrupt(_REMOVED)
        self._connection = connect(path, "rwc" if create else "rw")
        try:
            self._prepare()
            self.totals = read_totals(self._connection)
            self._inode = path.stat().st_ino
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it; SQLite writes its log into it."""
        self._connection.close()

    def insert(self, rows: Sequence[Row]) -> None:
        """Commit rows; afterwards they are on the disk.

        Raises:
            SpoolFull: the disk has little space left.
            SpoolCorrupt: the file is gone: what is written to it would be lost.
            sqlite3.Error: SQLite or the disk failed; whether the rows are there, the next opening tells.
        """
        size_bytes = sum(row.size_bytes for row in rows)
        self._require_file()
        self._require_space(size_bytes)
        with self._transaction():
            self._connection.executemany(_INSERT, rows)
        oldest = self.totals.oldest if self.totals.records else rows[0].received_at
        self.totals = Totals(self.totals.records + len(rows), self.totals.size_bytes + size_bytes, oldest)

    def after(self, position: int, *, most: int, most_bytes: int, without: Iterable[int] = ()) -> list[Entry]:
        """The first entries behind a position, at most so many and of so many bytes, but at least one.

        Those at the positions ``without`` are not even read.

        Raises:
            sqlite3.Error: SQLite or the disk failed.
        """
        entries: list[Entry] = []
        size_bytes = 0
        skipped = msgspec.json.encode(list(without)).decode()
        for columns in self._connection.execute(_AFTER, (position, skipped, most)):
            entry = Entry.of(*columns)
            size_bytes += entry.size_bytes
            if entries and size_bytes > most_bytes:
                break
            entries.append(entry)
        return entries

    def delete(self, entries: Iterable[Entry]) -> None:
        """Delete entries; those that are gone already, since an earlier error came after its commit, do no harm.

        Raises:
            sqlite3.Error: SQLite or the disk failed.
        """
        with self._transaction():
            execute = self._connection.execute
            deleted = [entry for entry in entries if execute(_DELETE, (entry.position,)).rowcount]
        oldest = execute(_OLDEST).fetchone()
        self.totals = Totals(
            self.totals.records - len(deleted),
            self.totals.size_bytes - sum(entry.size_bytes for entry in deleted),
            oldest[0] if oldest else None,
        )
        self._shrink()

    def is_empty(self) -> bool:
        """Whether it holds nothing; asks SQLite.

        Raises:
            sqlite3.Error: SQLite or the disk failed.
        """
        return self._connection.execute(_OLDEST).fetchone() is None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit at the end of the block; after an error, closing the connection rolls back."""
        self._connection.execute("BEGIN IMMEDIATE")
        yield
        self._connection.execute("COMMIT")

    def _prepare(self) -> None:
        for setting in _SETTINGS:
            self._connection.execute(setting)
        version = self._pragma("user_version")
        if version not in {0, _VERSION}:
            raise SpoolCorrupt(
                f"A file of the spool is of version {version}; this midi-ingest knows {_VERSION}."
            )
        if version == 0:
            with self._transaction():
                for statement in _SCHEMA:
                    self._connection.execute(statement)

    def _shrink(self) -> None:
        free_pages = self._pragma("freelist_count")
        if free_pages >= SHRINK_PAGES and free_pages >= self._pragma("page_count") * 3 // 4:
            # Not `execute`: that takes the first of its steps only, which is one page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({SHRINK_PAGES})")

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _require_file(self) -> None:
        try:
            there = self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            there = False
        if not there:
            raise SpoolCorrupt(_REMOVED)

    def _require_space(self, size_bytes: int) -> None:
        """Make sure that the log can grow by so much, and then the database, as far as no pages in it are free."""
        disk = os.statvfs(self._path.parent)
        free_bytes = disk.f_bavail * disk.f_frsize
        if free_bytes >= RESERVE_BYTES + 2 * size_bytes:
            return
        inside_bytes = self._pragma("freelist_count") * PAGE_BYTES
        log_bytes = RESERVE_BYTES // 2 + size_bytes
        if free_bytes < log_bytes or free_bytes + inside_bytes < 2 * log_bytes:
            raise SpoolFull("The disk of the spool has little space left.")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """SQLite's connection to a file; mode is ro, rw or rwc, as in its URIs.

    Raises:
        sqlite3.Error: SQLite cannot open it.
    """
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def read_totals(connection: sqlite3.Connection) -> Totals:
    """What the database holds.

    Raises:
        sqlite3.Error: SQLite or the disk failed, or it is no database of the spool.
    """
    return Totals(*connection.execute(_TOTALS).fetchone())


def explained(error: sqlite3.Error | OSError) -> SpoolBroken:
    """An error of SQLite's or the disk's as the spool's own."""
    if isinstance(error, OSError):
        return SpoolBroken(f"The spool cannot be written: {error.strerror}.")
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY  # what Python's module raises itself has none
    kind = SpoolCorrupt if code in _CORRUPT else SpoolBroken
    return kind(f"The spool failed: {error}.")
