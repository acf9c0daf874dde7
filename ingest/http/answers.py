"""What the ingress answers where nothing is wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

_RECEIVED: Final = b'{"status":"received"}'
_JSON: Final = "application/json"


def json(body: bytes) -> web.Response:
    """An answer of 200 with a JSON body."""
    return web.Response(body=body, content_type=_JSON)


def received(request: web.BaseRequest) -> web.StreamResponse:
    """The answer to a callback that is safe."""
    return _Received(request) if request.version == HttpVersion11 else json(_RECEIVED)


class _Received(web.StreamResponse):
    """The same to HTTP/1.1, written at once.

    Put together by aiohttp, the same answer was a seventh of the CPU time of a small callback. So nothing is put
    together here, not even by the base class.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._status = 200
        self._keep_alive = request.keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole answer; where too many are unread, wait until they are.

        Raises:
            ConnectionResetError: the sender has gone.
        """
        if request.transport is None:
            raise ConnectionResetError("the sender has gone")
        request.transport.write(_bytes(rfc822_formatted_time(), keep_alive=bool(self._keep_alive)))
        if request.protocol.writing_paused:
            await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all is written."""


@lru_cache(maxsize=4)
def _bytes(date: str, *, keep_alive: bool) -> bytes:
    """The answer in the second that ``date`` names (RFC 9110, section 6.6.1)."""
    head = [
        "HTTP/1.1 200 OK",
        f"{hdrs.CONTENT_TYPE}: {_JSON}",
        f"{hdrs.CONTENT_LENGTH}: {len(_RECEIVED)}",
        f"{hdrs.DATE}: {date}",
        *([] if keep_alive else [f"{hdrs.CONNECTION}: close"]),
        "",
        "",
    ]
    return "\r\n".join(head).encode() + _RECEIVED
