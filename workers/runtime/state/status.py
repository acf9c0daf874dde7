"""A look at the stores in a directory, also while processes use them."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a file of a store holds, as of its last commit.

    ``position`` is the changelog's offset up to which it is complete, ``as_of`` when nothing behind that had been
    written; None of a store that is being filled. ``error`` tells why the file cannot be read.
    """

    file: str
    held: bool
    keys: int = 0
    bytes: int = 0
    position: int | None = None
    as_of: datetime | None = None
    error: str | None = None


def status(folder: Path) -> list[StoreStatus]:
    """The stores of the folder, by name.

    Raises:
        OSError: the folder cannot be read.
    """
    if not folder.exists():
        return []
    return [_look(path) for path in sorted(folder.iterdir()) if path.suffix == ".sqlite3"]


def _look(path: Path) -> StoreStatus:
    held = _is_held(path)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT keys, position, as_of_ms FROM state").fetchone()
    except sqlite3.Error as error:
        return StoreStatus(path.name, held, error=str(error))
    keys, position, as_of_ms = row
    as_of = datetime.fromtimestamp(as_of_ms / 1000, UTC) if as_of_ms is not None else None
    return StoreStatus(path.name, held, keys, path.stat().st_size, position, as_of)


def _is_held(path: Path) -> bool:
    try:
        lock = os.open(path.with_suffix(".lock"), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
