"""Where records enter the spool: while one commit runs, those that come gather, and the next commit takes them all.

So the spool keeps up with any number of callers, and a lone one waits for nothing but the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ingest.record import Record
from ingest.spool.claim import sizes
from ingest.spool.database import Row, explained
from ingest.spool.errors import SpoolBroken, SpoolCorrupt, SpoolError, SpoolFull
from ingest.spool.file import SpoolFile
from ingest.spool.held import Held, Use
from ingest.spool.threads import do_aside

COMMIT_RECORDS: Final = 256
COMMIT_BYTES: Final = 4 * 1024 * 1024
"""What one commit takes at most, but at least one record."""

LOOK_SECONDS: Final = 1.0
"""What the files of others take on the disk is looked up no more often."""

_Waiting = dict[asyncio.Future[SpoolError | None], Row]
"""Rows by what their callers wait for: None once a row is on the disk, else why it is not."""


class Inbox:
    """Appends to the one file held for that, made when it is first needed.

    ``on_commit`` is told how many records each commit took, ``on_refusal`` why records were not taken.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        held: Held,
        *,
        on_commit: Callable[[int], None],
        on_refusal: Callable[[SpoolError], None],
    ) -> None:
        self._folder, self._max_bytes, self._held = folder, max_bytes, held
        self._on_commit, self._on_refusal = on_commit, on_refusal
        self._waiting: _Waiting = {}
        self._committer: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # has the file: a commit, or its removal
        self._closed = False
        self._on_disk: Mapping[Path, int] = {}
        self._look_at = 0.0

    async def append(self, record: Record) -> None:
        """Return once the record is on the disk. If cancelled, it may be written all the same.

        Raises:
            SpoolFull: the quota is reached, or the disk has little space left.
            SpoolBroken: SQLite or the disk failed.
        """
        if self._closed:
            raise SpoolBroken("The spool is closed.")
        committed: asyncio.Future[SpoolError | None] = asyncio.get_running_loop().create_future()
        self._waiting[committed] = Row.of(record, time.time())
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_all())
        try:
            error = await committed
        finally:
            self._waiting.pop(committed, None)
        if error is not None:
            raise error

    async def give_up_if_empty(self, file: SpoolFile) -> bool:
        """Write no more to a file that holds nothing, and say whether that is so; the next record goes to a new one."""
        async with self._turn:
            if is_empty := file.is_empty:
                self._held.go_on(file, Use.LEAVING)
            return is_empty

    async def close(self) -> None:
        """Take no more records, and commit those that came before."""
        self._closed = True
        if self._committer is not None:
            await asyncio.wait([self._committer])

    async def _commit_all(self) -> None:
        while self._waiting:
            async with self._turn:
                await self._look_at_the_disk()
                await self._commit(self._take())

    async def _commit(self, batch: _Waiting) -> None:
        if not batch:
            return
        try:
            await self._write(list(batch.values()))
        except SpoolError as error:
            _settle(batch, error)
            self._on_refusal(error)
        except BaseException:
            _settle(batch | self._waiting, SpoolBroken("The spool failed; the log says more."))
            raise
        else:
            _settle(batch, None)
            self._on_commit(len(batch))

    async def _write(self, rows: list[Row]) -> None:
        file = self._held.written
        if file is None:
            file = await SpoolFile.create(self._folder)
            self._held.hold(file, Use.WRITTEN)
        try:
            await file.append(rows)
        except SpoolCorrupt:
            self._held.go_on(file, Use.DRAINED)  # as far as it can be read
            raise

    def _take(self) -> _Waiting:
        """What the next commit takes; what does not fit into the quota is refused."""
        room = self._max_bytes - self._held.size_bytes - self._others_bytes()
        batch: _Waiting = {}
        refused: _Waiting = {}
        size_bytes = 0
        for committed, row in self._waiting.items():
            if size_bytes + row.size_bytes > room:
                refused[committed] = row
                continue
            if len(batch) == COMMIT_RECORDS or (batch and size_bytes + row.size_bytes > COMMIT_BYTES):
                break
            batch[committed] = row
            size_bytes += row.size_bytes
        for committed in (*batch, *refused):
            del self._waiting[committed]
        if refused:
            full = SpoolFull("The spool holds as many bytes as it may.")
            _settle(refused, full)
            self._on_refusal(full)
        return batch

    def _others_bytes(self) -> int:
        """What the files of others took on the disk when it was last looked at, but for those adopted since."""
        counted = self._held.counted
        return sum(size_bytes for path, size_bytes in self._on_disk.items() if path not in counted)

    async def _look_at_the_disk(self) -> None:
        if time.monotonic() < self._look_at:
            return
        counted = self._held.counted
        try:
            self._on_disk = await do_aside(lambda: sizes(self._folder, without=counted))
        except OSError as error:
            self._on_refusal(explained(error))
        self._look_at = time.monotonic() + LOOK_SECONDS


def _settle(batch: _Waiting, error: SpoolError | None) -> None:
    """Tell the callers; each gets an error of its own: one that many raise would gather all their traces."""
    for committed in batch:
        if not committed.done():
            committed.set_result(error and type(error)(*error.args))
