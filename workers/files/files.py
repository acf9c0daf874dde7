"""The one interface of all places that `store` keeps files in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

from workers.files.directory import Directory
from workers.files.place import bucket_in
from workers.settings import WorkerSettings


class Files(Protocol):
    """A place for files; each of them is there whole or not at all."""

    async def write(self, name: str, content: bytes, content_type: str) -> None:
        """Write a file, or replace it; names are such as `tasks/a1/song.mid`.

        Raises:
            Unavailable: no file can be written now; the message says where, why and, if anything, what to do.
            OSError: this very file cannot be written: that holds up no other task.
        """

    def where(self, name: str) -> str:
        """The absolute path of a file, or its URL."""


def files_of(settings: WorkerSettings) -> Files:
    """The place that the settings name: one a process, and so one pool of connections.

    Raises:
        Unavailable: it cannot be used as it is set up; the message says why.
    """
    return _opened(settings.store, settings.store_secrets_file, settings.store_deadline_seconds)


@cache
def _opened(store: str, secrets_file: Path | None, deadline_seconds: float) -> Files:
    bucket = bucket_in(store)
    if bucket is None:
        return Directory(Path(store))
    from workers.files.object_store import ObjectStore  # noqa: PLC0415 - 0.1 s and 16 MB that a directory spares

    return ObjectStore(bucket, secrets_file, deadline_seconds)
