"""Where stores are: one file a lane, named like its transactional id, in MIDI_INGEST_STATE_DIR.

Whoever has `<name>.sqlite3` holds an flock on `<name>.lock`, which the system frees when the process dies. The lock
is on a file of its own: closing any descriptor of the database itself would drop the locks that SQLite has on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Final

from telemetry.logs import logger
from workers.runtime.state.errors import StateError
from workers.runtime.state.sqlite import SqliteStore, WrongFile, remove
from workers.settings import WorkerSettings

LOCK_PATIENCE_SECONDS: Final = 2.0
"""A process that has just been killed holds its files for a moment longer."""

_POLL_SECONDS: Final = 0.05
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}


def path_of(settings: WorkerSettings, worker: str, partition: int) -> Path | None:
    """The file of a lane's store; None where stores are temporary."""
    folder = settings.state_dir
    return folder / f"{settings.topic_prefix}{worker}-{partition}.sqlite3" if folder else None


def open_store(path: Path | None, window_ms: int) -> SqliteStore:
    """A lane's store: the one in the file, or a new one where that cannot be used.

    While another process has the file, such as one that was stopped and does not know that it lost the lane, the
    store is a temporary one.

    Raises:
        StateError: this process may not write there.
        OSError: the disk is full, or fails.
    """
    if path is None:
        return SqliteStore(None, window_ms)
    lock = claim(path)
    if lock is None:
        logger().warning("another process has the lane's store: using a temporary one", file=str(path))
        return SqliteStore(None, window_ms)
    try:
        return _opened(path, window_ms, lock)
    except BaseException:
        os.close(lock)
        raise


def claim(path: Path) -> int | None:
    """A hold on a store's file, which need not exist, until the descriptor is closed; None while another has it.

    Raises:
        StateError: this process may not write there.
        OSError: the disk is full, or fails.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise
        raise StateError(
            f"Cannot write to the directory of state {path.parent}: {error.strerror}. "
            "Set MIDI_INGEST_STATE_DIR to a directory that this process may write to."
        ) from error
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while not _locked(lock):
        if time.monotonic() > deadline:
            os.close(lock)
            return None
        time.sleep(_POLL_SECONDS)
    return lock


def _opened(path: Path, window_ms: int, lock: int) -> SqliteStore:
    try:
        return SqliteStore(path, window_ms, lock)
    except WrongFile as wrong:
        logger().warning("the lane's store is made anew", file=str(path), because=str(wrong))
        remove(path)
        return SqliteStore(path, window_ms, lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
