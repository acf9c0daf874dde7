"""A directory: what people have who run all of it on one machine."""

from __future__ import annotations

import asyncio
import errno
import os
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

from workers.runtime.exceptions import Unavailable

WRITES_AT_ONCE: Final = 16
"""How many files a process syncs to the disk at once; with fewer, the disk is waited for for longer."""

_THIS_PATH_ONLY: Final = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


class Directory:
    """Keeps each file as a file: see `workers.files.files.Files`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def write(self, name: str, content: bytes, content_type: str) -> None:  # noqa: ARG002 - as an object store
        """Write a file; syncing waits for the disk, and several files wait at once."""
        await _threads.do(lambda: write_whole(self._path / name, content))

    def where(self, name: str) -> str:
        """The absolute path of a file."""
        return str(self._path.absolute() / name)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, also over a power cut.

    What another try left unfinished is removed. Should that one be still at it, as a zombie may be, its own
    replacing fails, and it has to start again or learns that it is no longer wanted.

    Raises:
        Unavailable: the file system refuses; what it says is in the message.
        OSError: something else stands where this very file should be: that holds up no other task.
    """
    all_tasks = path.parent.parent
    try:
        all_tasks.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        _replace(path, content)
        for left in path.parent.glob(f".{path.name}.*.partial"):
            left.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _THIS_PATH_ONLY and all_tasks.is_dir():
            raise
        raise Unavailable(f"Cannot write {path}: {error.strerror}.") from error


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


class _Threads:
    """Do what blocks. Not asyncio's: Python waits for the end of those, and so would wait for a dead disk."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        self._started = 0

    async def do(self, job: Callable[[], None]) -> None:
        """Return once the job is done; what it raised is raised. Cancelled before it begins, it never does."""
        if self._started < WRITES_AT_ONCE:
            Thread(target=self._run, name="store-writes", daemon=True).start()
            self._started += 1
        done: Future[None] = Future()
        self._jobs.put((job, done))
        await asyncio.wrap_future(done)

    def _run(self) -> None:
        while True:
            job, done = self._jobs.get()
            if not done.set_running_or_notify_cancel():
                continue
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - whoever waits for the job is told
                done.set_exception(error)
            else:
                done.set_result(None)


_threads: Final = _Threads()
