"""The directory in which several processes keep their metrics while they run."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PREFIX: Final = "midi-ingest-metrics-"
_LOCK: Final = "lock"


@contextmanager
def metrics_dir() -> Iterator[str]:
    """A directory that is removed at the end of the block; those of processes that were killed are removed before.

    Whoever has one holds an flock in it, which the system frees when the process dies.
    """
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        lock = os.open(Path(folder, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)


def _remove_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether it is ours and nobody holds it. One without a lock in it has just been made."""
    try:
        if folder.lstat().st_uid != os.geteuid():
            return False
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
