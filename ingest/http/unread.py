"""Answers that their sender does not read: how many bytes of them are held, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web

from ingest.limits import Limit, refused
from telemetry.logs import logger


class ReadingConnection(web.RequestHandler):
    """A connection that is heard no further while more than ``unread_bytes`` of its answers are unread.

    Who does not read all of it within ``unread_timeout_seconds`` is hung up on.
    """

    __slots__ = ("_unread", "_unread_bytes", "_unread_timeout_seconds")

    def __init__(
        self, server: web.Server, *, unread_bytes: int, unread_timeout_seconds: float, **kwargs: Any
    ) -> None:
        super().__init__(server, **kwargs)
        self._unread_bytes = unread_bytes
        self._unread_timeout_seconds = unread_timeout_seconds
        self._unread: asyncio.TimerHandle | None = None
        """Ends a connection whose sender does not read its answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # Resumed at 0 only, since what little is left unread would hold the connection for ever, too.
        cast(asyncio.Transport, transport).set_write_buffer_limits(high=self._unread_bytes, low=0)
        super().connection_made(transport)

    async def start(self) -> None:
        """Answer requests; at the end, too, answers have only so long to be read."""
        transport = self.transport
        try:
            await super().start()
        finally:
            if self._manager is not None and transport is not None and transport.get_write_buffer_size():
                self._expect_reading(transport)

    def pause_writing(self) -> None:
        """Write no more until all is read, for which there is only so long; nor read what would wait for that."""
        super().pause_writing()
        self._pause_reading_for_buffer()
        if self.transport is not None:
            self._expect_reading(self.transport)

    def resume_writing(self) -> None:
        """Go on: all is read."""
        super().resume_writing()
        self._read_at_last()
        self._resume_reading_if_drained()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End: nothing can be read any more."""
        self._read_at_last()
        super().connection_lost(exc)

    def _expect_reading(self, transport: asyncio.Transport) -> None:
        if self._unread is None:
            self._unread = self._loop.call_later(self._unread_timeout_seconds, _abandon, transport)

    def _read_at_last(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def _abandon(transport: asyncio.Transport) -> None:
    """Drop a connection, and what its sender has not read; to close it would wait for just that."""
    refused(Limit.UNREAD_ANSWERS)
    logger().info("answers left unread", bytes=transport.get_write_buffer_size())
    transport.abort()
