"""Where records enter the spool: while one commit runs, those that come gather, and the next commit takes them all.

So the spool keeps up with any number of callers, and a lone one waits for nothing but the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ingest.record import Record
from ingest.spool.claim import bytes_of_others
from ingest.spool.database import Row, explained
from ingest.spool.errors import SpoolBroken, SpoolCorrupt, SpoolError, SpoolFull
from ingest.spool.file import SpoolFile
from ingest.spool.threads import do_aside

COMMIT_RECORDS: Final = 256
COMMIT_BYTES: Final = 4 * 1024 * 1024
"""What one commit takes at most, but at least one record."""

LOOK_SECONDS: Final = 1.0
"""What other files take on the disk is looked up no more often."""

_Waiting = dict[asyncio.Future[SpoolError | None], Row]
"""Rows by what their callers wait for: None once a row is on the disk, else why it is not."""


class Inbox:
    """Appends to a file of its own, made when it is first needed.

    ``on_commit`` is told how many records each commit took, ``on_refusal`` why records were not taken; ``on_lost``
    gets a file that takes no more.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        on_commit: Callable[[int], None],
        on_refusal: Callable[[SpoolError], None],
        on_lost: Callable[[SpoolFile], None],
    ) -> None:
        self.file: SpoolFile | None = None
        self._folder, self._max_bytes = folder, max_bytes
        self._on_commit, self._on_refusal, self._on_lost = on_commit, on_refusal, on_lost
        self._leaving: SpoolFile | None = None
        self._waiting: _Waiting = {}
        self._committer: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # has the file: a commit, or its removal
        self._closed = False
        self._others_bytes = 0
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

    async def remove_if_empty(self) -> None:
        """Remove the file if it holds nothing; the next record goes to a new one."""
        async with self._turn:
            file = self.file
            if file is None or not file.is_empty:
                return
            self.file, self._leaving = None, file
        await file.leave()

    async def let_go(self, file: SpoolFile) -> None:
        """Write no more to a file that is damaged; its owner is now the caller."""
        async with self._turn:
            if self.file is file:
                self.file = None

    async def close(self) -> None:
        """Take no more records, commit those that came before, and leave the file to others."""
        self._closed = True
        if self._committer is not None:
            await asyncio.wait([self._committer])
        for file in (self._leaving, self.file):
            if file is not None:
                await file.leave()
        self.file = None

    async def _commit_all(self) -> None:
        while self._waiting:
            async with self._turn:
                await self._refresh_others()
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
        if self.file is None:
            self.file = await SpoolFile.create(self._folder)
        try:
            await self.file.append(rows)
        except SpoolCorrupt:
            self._on_lost(self.file)
            self.file = None
            raise

    def _take(self) -> _Waiting:
        """What the next commit takes; what does not fit into the quota is refused."""
        room = self._max_bytes - self._others_bytes - (self.file.totals.size_bytes if self.file else 0)
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

    async def _refresh_others(self) -> None:
        if time.monotonic() < self._look_at:
            return
        own = self.file.path if self.file else None
        try:
            self._others_bytes = await do_aside(lambda: bytes_of_others(self._folder, own))
        except OSError as error:
            self._on_refusal(explained(error))
        self._look_at = time.monotonic() + LOOK_SECONDS


def _settle(batch: _Waiting, error: SpoolError | None) -> None:
    """Tell the callers; each gets an error of its own: one that many raise would gather all their traces."""
    for committed in batch:
        if not committed.done():
            committed.set_result(error and type(error)(*error.args))
