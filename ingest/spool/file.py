"""One file of the spool in the hands of this process: all work on it is done in one thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar

from ingest.spool.claim import Claim, sync_folder
from ingest.spool.database import Database, Entry, Row, Totals, explained
from ingest.spool.threads import Worker, do_aside
from telemetry.logs import logger

T = TypeVar("T")


class Why(StrEnum):
    """Why a record is kept back: the next try comes after a while, since what mends it is an operator's."""

    TOO_LARGE = "too-large"
    NO_TOPIC = "no-topic"
    UNREADABLE = "unreadable"


class SpoolFile:
    """A claimed file; `totals` is what it held when it was last worked on.

    Its database is opened when it is first needed, and again after an error. ``cursor`` is the position up to
    which the present pass of the drain has come, ``passed_over`` the highest that any pass has left behind,
    ``kept_back`` holds the positions of records that no further try will get to Kafka, and why.
    """

    def __init__(self, claim: Claim, *, is_new: bool = False) -> None:
        self.totals = Totals()
        self.cursor = self.passed_over = 0
        self.kept_back: dict[int, Why] = {}
        self.is_known = False
        """Whether it has been worked on, so that `totals` says what is in it."""
        self._claim = claim
        self._is_new = is_new
        self._database: Database | None = None
        self._sent: list[Entry] = []
        self._left: asyncio.Future[None] | None = None
        self._thread = Worker(f"spool-{claim.path.stem}")

    @classmethod
    async def create(cls, folder: Path) -> Self:
        """A new file, which `append` writes to the disk.

        Raises:
            SpoolBroken: the folder cannot be written to.
        """
        try:
            return cls(await do_aside(lambda: Claim.new(folder)), is_new=True)
        except OSError as error:
            raise explained(error) from error

    @property
    def path(self) -> Path:
        """The path of the database."""
        return self._claim.path

    @property
    def is_empty(self) -> bool:
        """Whether it held nothing when it was last worked on."""
        return self.is_known and not self.totals.records

    async def open(self) -> None:
        """Find out what it holds.

        Raises:
            SpoolBroken: SQLite or the disk failed; SpoolCorrupt if for good.
        """
        await self._work(lambda _: None)

    async def append(self, rows: Sequence[Row]) -> None:
        """Commit rows; afterwards they are on the disk.

        Raises:
            SpoolFull: the disk has little space left.
            SpoolBroken: SQLite or the disk failed; SpoolCorrupt if for good.
        """
        await self._work(lambda database: database.insert(rows))

    async def untried(self, *, most: int, most_bytes: int) -> list[Entry]:
        """The first entries behind the cursor, at most so many and of so many bytes, but at least one; none kept back.

        Raises:
            SpoolBroken: SQLite or the disk failed; SpoolCorrupt if for good.
        """
        await self._delete_sent()
        return await self._work(
            lambda db: db.after(self.cursor, most=most, most_bytes=most_bytes, without=self.kept_back)
        )

    async def delete(self, entries: Iterable[Entry]) -> None:
        """Delete what was sent; should that fail, it is deleted before anything else is read.

        Raises:
            SpoolBroken: SQLite or the disk failed; SpoolCorrupt if for good.
        """
        self._sent += entries
        await self._delete_sent()

    async def leave(self) -> None:
        """Remove the file if it is empty, else leave it to others; twice does no harm, and cancelled it goes on."""
        if self._left is None:
            self._left = self._thread.do(self._end)
            self._thread.end()
        await asyncio.shield(self._left)

    async def _delete_sent(self) -> None:
        if self._sent:
            await self._work(lambda database: database.delete(self._sent))
            self._sent = []

    async def _work(self, job: Callable[[Database], T]) -> T:
        return await self._thread.do(lambda: self._attempt(job))

    def _attempt(self, job: Callable[[Database], T]) -> T:
        try:
            database = self._database or self._open_database()
            result = job(database)
        except (sqlite3.Error, OSError) as error:
            self._close_database()
            raise explained(error) from error
        self.totals = database.totals
        return result

    def _open_database(self) -> Database:
        self._database = Database(self.path, create=self._is_new)
        self.totals = self._database.totals
        self.is_known = True
        if self._is_new:
            sync_folder(self.path.parent)
            self._is_new = False
        return self._database

    def _end(self) -> None:
        is_empty = self._holds_nothing()
        self._close_database()
        if not is_empty:
            self._claim.release()
            return
        try:
            self._claim.remove()
        except OSError as error:
            logger().warning("spool file not removed", file=self.path.name, error=error.strerror)

    def _holds_nothing(self) -> bool:
        """Whether it is certain that nothing is in it."""
        try:
            return self._database is not None and self._database.is_empty()
        except sqlite3.Error:
            return False

    def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
