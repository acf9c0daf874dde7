"""Which process has which file of the spool.

Files are named by chance, and no name is used twice. Whoever has `<name>.sqlite3` holds an flock on `<name>.lock`,
which the system frees when the process dies. The lock is on a file of its own: closing any descriptor of the
database itself would drop the locks that SQLite has on it (POSIX advisory locks belong to the process).
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Set
from pathlib import Path
from secrets import token_hex
from typing import Final

SUFFIX: Final = ".sqlite3"
LOCK_SUFFIX: Final = ".lock"
_SUFFIXES: Final = (SUFFIX, f"{SUFFIX}-wal", f"{SUFFIX}-shm", LOCK_SUFFIX)
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}


class Claim:
    """This process's hold on one file, which need not exist yet, until `release` or `remove`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def new(cls, folder: Path) -> Claim:
        """A hold on a file that does not exist yet; the folder is made where it is missing.

        Raises:
            OSError: the lock cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            if claim := cls.take(folder / f"{token_hex(8)}{SUFFIX}"):
                return claim

    @classmethod
    def take(cls, path: Path) -> Claim | None:
        """A hold on the file at the path; None while another has it, or when it has just been removed.

        Raises:
            OSError: the lock cannot be opened.
        """
        lock_path = path.with_suffix(LOCK_SUFFIX)
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_ino == lock_path.stat().st_ino:  # else it was removed before we had it
                return cls(path, lock)
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
        return None

    def release(self) -> None:
        """Leave the file to others."""
        os.close(self._lock)

    def remove(self) -> None:
        """Delete the file and all that belongs to it, the lock last: nobody else can have it meanwhile.

        Raises:
            OSError: something of it cannot be deleted.
        """
        try:
            for suffix in _SUFFIXES:
                self.path.with_suffix(suffix).unlink(missing_ok=True)
        finally:
            self.release()


def prepare(folder: Path) -> None:
    """Make the folder where it is missing, and make sure that files can be made in it.

    Raises:
        OSError: they cannot; the message names the folder and the setting. A full disk is no reason.
    """
    probe = folder / f".probe-{token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        if error.errno in _NO_SPACE:
            return
        message = (
            f"Cannot write to the spool's directory {folder}: {error.strerror}. "
            "Set MIDI_INGEST_SPOOL_DIR to a directory that this process may write to."
        )
        raise OSError(error.errno, message) from error


def paths(folder: Path) -> list[Path]:
    """The databases of the folder, by name; also of those of which only something else is left.

    Raises:
        OSError: the folder cannot be read.
    """
    ours = (path for path in folder.iterdir() if path.name.endswith(_SUFFIXES))
    return sorted({path.with_suffix(SUFFIX) for path in ours})


def is_held(path: Path) -> bool:
    """Whether a process has the file.

    Raises:
        OSError: the lock cannot be opened.
    """
    try:
        lock = os.open(path.with_suffix(LOCK_SUFFIX), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def take_left(path: Path) -> Claim | None:
    """A hold on a file that somebody left; None while another has it. Of one already removed, the rest is removed.

    Raises:
        OSError: the lock cannot be opened, or the rest cannot be deleted.
    """
    claim = Claim.take(path)
    if claim is not None and not path.exists():
        claim.remove()
        return None
    return claim


def sizes(folder: Path, *, without: Set[Path]) -> dict[Path, int]:
    """What each of the folder's other files takes on the disk, with all that belongs to it.

    Raises:
        OSError: the folder cannot be read.
    """
    return {
        path: sum(_size(path.with_suffix(suffix)) for suffix in _SUFFIXES)
        for path in paths(folder)
        if path not in without
    }


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a loss of power.

    Raises:
        OSError: the disk failed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
