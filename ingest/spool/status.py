"""Looking at the spool's files without touching what they hold, also while their owners run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.spool.claim import is_held, paths
from ingest.spool.database import Totals, connect, explained, read_totals


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One file: whether a running process holds it, and what is in it, or why it cannot be read."""

    name: str
    held: bool
    records: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    error: str | None = None


def status(folder: Path) -> list[FileStatus]:
    """Each file of the spool; ``oldest`` is when its first record was received.

    Raises:
        OSError: the folder or a lock in it cannot be read.
    """
    return [found for path in paths(folder) if (found := _status(path)) is not None]


def _status(path: Path) -> FileStatus | None:
    """The file's status; None once it has been removed."""
    held = is_held(path)
    try:
        totals = _totals(path)
    except sqlite3.Error as error:
        if not path.exists():
            return None
        return FileStatus(path.name, held, error=str(explained(error)))
    oldest = None if totals.oldest is None else datetime.fromtimestamp(totals.oldest, UTC)
    return FileStatus(path.name, held, totals.records, totals.size_bytes, oldest)


def _totals(path: Path) -> Totals:
    with closing(connect(path, "ro")) as connection:
        return read_totals(connection)
