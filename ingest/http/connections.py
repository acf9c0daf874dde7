"""Connections: how many there may be, how long they may keep silent, and what is said to what is no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import ERROR, _ErrInfo
from yarl import URL

from ingest.http.problems import Problem, unavailable
from ingest.http.unread import ReadingConnection
from ingest.limits import Budget, Limit, refused
from telemetry import metrics
from telemetry.logs import logger

LINGERING_SECONDS: Final = 5.0
"""For so long the rest of a refused body is read and dropped, so that its sender gets to read the answer."""

TINY_CHUNKS: Final = 1000
TINY_CHUNK_BYTES: Final = 16
"""So many chunks at once that are smaller than this on average: no sender cuts so, and each costs microseconds."""

_MALFORMED: Final = ERROR._replace(version=HttpVersion11)
_NO_TARGET: Final = URL("/no-such-target")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, and what each may hold and for how long.

    ``header_bytes`` is what a request may have before its body: aiohttp alone would hold a megabyte for each
    connection. While a sender leaves more than ``unread_bytes`` of its answers unread, its next requests wait.
    """

    connections: int
    header_bytes: int
    header_timeout_seconds: float
    unread_bytes: int
    unread_timeout_seconds: float


class Server(web.Server):
    """aiohttp's low-level server, with our connections and requests.

    All connections together hold no more of requests that wait for an earlier one than ``ahead`` has room for.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        limits: ConnectionLimits,
        ahead: Budget,
    ) -> None:
        super().__init__(
            handler,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=limits.header_timeout_seconds,
            lingering_time=LINGERING_SECONDS,
        )
        self.limits = limits
        self.ahead = ahead
        """Bytes of requests that have come before those ahead of them on their connections were answered."""

    @property
    def is_full(self) -> bool:
        """Whether there are as many connections as there may be."""
        return len(self._connections) >= self.limits.connections

    @property
    def awaits_first_requests(self) -> bool:
        """Whether a connection has sent no request yet."""
        return any(connection._request_count == 0 for connection in self.connections)  # noqa: SLF001 - aiohttp's

    def __call__(self) -> web.RequestHandler:
        """What speaks on a new connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> _Request:
        protocol.begin(payload)
        if message is ERROR:  # there, aiohttp answers in HTTP/1.0
            message = _MALFORMED
        try:
            return _Request(message, payload, protocol, writer, task, self._loop)
        except ValueError:
            # A target such as http://xn--a/: raised here, it would leave the connection open for ever.
            message = message._replace(url=_NO_TARGET, path=str(_NO_TARGET), should_close=True)
            return _Request(message, payload, protocol, writer, task, self._loop)


class _Request(web.BaseRequest):
    """A request whose answer does not say what software gave it."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)


class _Connection(ReadingConnection):
    """A connection whose own errors are problem documents, and whose log shows nothing of what was sent."""

    __slots__ = ("_ahead_bytes", "_begun", "_has_ended", "_head_bytes", "_server")

    def __init__(self, server: Server, **kwargs: Any) -> None:
        limits = server.limits
        super().__init__(
            server,
            unread_bytes=limits.unread_bytes,
            unread_timeout_seconds=limits.unread_timeout_seconds,
            **kwargs,
        )
        self._server = server
        self._head_bytes = 0
        """So much has come of a request whose headers are not whole yet, or is in what has come ahead."""
        self._ahead_bytes = 0
        self._begun: StreamReader | None = None
        """The body of the request that was begun last."""
        self._has_ended = False
        """Whether the sender sends no more, but waits for answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; or, where there are too many connections, say so and end."""
        transport = cast(asyncio.Transport, transport)
        if not self._server.is_full:
            super().connection_made(transport)
            return
        metrics.REQUESTS.labels("other", "503").inc()
        refused(Limit.CONNECTIONS)
        _last_words(transport, unavailable("Too many connections are open."))

    def connection_lost(self, exc: BaseException | None) -> None:
        """End: nothing can be read any more."""
        self._give_back()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what has arrived, within bounds."""
        current = self._current_request
        is_whole = current is not None and current.content.is_eof()
        super().data_received(data)
        if self._messages:
            self._head_bytes = 0
            message, body = self._messages[-1]
            if isinstance(message, _ErrInfo):
                self._break_off()
            elif _is_shredded(body):
                self._refuse_shreds()
            if self._request_in_progress or len(self._messages) > 1:
                self._come_ahead(len(data))
        elif is_whole or (self._waiter is not None and not self._waiter.done()):
            self._come_in_headers(len(data))
        elif current is not None and _is_shredded(current.content):
            self._refuse_shreds()

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp's closes the connection
        """Answer the requests that have come whole, though their sender sends no more; over TLS that cannot be."""
        is_tls = self.transport is None or self.transport.get_extra_info("sslcontext") is not None
        is_busy = self._begun is not None and self._waiter is None
        bodies = [body for _, body in self._messages] + ([self._begun] if is_busy and self._begun else [])
        if is_tls or not bodies or not all(body.is_eof() for body in bodies):
            return False
        self._has_ended = True
        self._close_after_last()
        return True

    def _close_after_last(self) -> None:
        if self._has_ended and not self._messages:
            self.close()

    def _come_in_headers(self, length_bytes: int) -> None:
        """Count what is of no whole request yet."""
        self._head_bytes += length_bytes
        most = self._server.limits.header_bytes
        if self._head_bytes <= most or self.transport is None:
            return
        refused(Limit.HEADER_BYTES)
        metrics.REQUESTS.labels("other", "400").inc()
        if self._request_in_progress:  # its answer comes first, and there will be no other
            self.transport.abort()
            return
        _last_words(
            self.transport,
            Problem(HTTPStatus.BAD_REQUEST, f"Expected headers of at most {most} bytes."),
        )

    def _come_ahead(self, length_bytes: int) -> None:
        """Read no further while a request waits for an earlier one, and hold what has come only within bounds."""
        self._pause_reading_for_buffer()
        if self._server.ahead.take(length_bytes):
            self._ahead_bytes += length_bytes
        elif self.transport is not None:
            refused(Limit.AHEAD_BYTES)
            logger().info("connection dropped: too many bytes wait behind requests", bytes=length_bytes)
            self.transport.abort()

    def begin(self, body: StreamReader) -> None:
        """Note that a next request is begun; aiohttp reads on if none waits behind it."""
        self._begun = body
        if self._ahead_bytes and not self._messages:
            self._give_back()
        self._close_after_last()

    def _give_back(self) -> None:
        self._server.ahead.give(self._ahead_bytes)
        self._ahead_bytes = 0

    def _refuse_shreds(self) -> None:
        refused(Limit.TINY_CHUNKS)
        self._break_off()

    def _break_off(self) -> None:
        """Tell the reader of a body that its end cannot be found; aiohttp tells who waits for a next request."""
        self._lingering_time = 0.0  # nor is there a rest to be dropped
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof():
                body.set_exception(web.RequestPayloadError())

    def _process_keepalive(self) -> None:
        """At the end of the time for a request's headers: a request that has begun is told so."""
        if self._loop.time() < self._next_keepalive_close_time:
            # Not left to aiohttp, which looks at the clock once more: by then it may be late, and it says nothing.
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )
            return
        waits = self._waiter is not None and not self._waiter.done()
        if waits and self.transport is not None and self._is_within_headers():
            metrics.REQUESTS.labels("other", "408").inc()
            refused(Limit.HEADER_SECONDS)
            problem = Problem(HTTPStatus.REQUEST_TIMEOUT, "The headers arrived too slowly.")
            _last_words(self.transport, problem)
        super()._process_keepalive()

    def _is_within_headers(self) -> bool:
        """Whether a next request has begun. Nothing can be read after the question: it is put as the end."""
        try:
            return self._parser is not None and self._parser.feed_eof() is not None
        except HttpProcessingError:  # what has come is no whole request
            return True

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """The answer to what is not HTTP, and to what the ingress failed on."""
        metrics.REQUESTS.labels("other", str(int(status))).inc()
        if status == HTTPStatus.BAD_REQUEST:
            problem = Problem(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1.")
            logger().info("answered", status=400, error=type(exc).__name__, **problem.told)
        else:
            logger().error("request failed", method=request.method, exc_info=True)
            detail = "The ingress failed on this request; its log says more."
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        return problem.response()

    def log_exception(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - aiohttp's interface
        """Log an error of the connection by its type only, since its message may quote what was sent."""
        logger().warning("connection failed", error=type(kwargs.get("exc_info")).__name__)


def _is_shredded(body: StreamReader) -> bool:
    """Whether what is unread of a body came in very many, very small chunks."""
    if body is EMPTY_PAYLOAD or (ends := body._http_chunk_splits) is None:  # noqa: SLF001 - aiohttp tells nobody else
        return False
    return len(ends) > TINY_CHUNKS and body._size < TINY_CHUNK_BYTES * len(ends)  # noqa: SLF001


def _last_words(transport: asyncio.Transport, problem: Problem) -> None:
    """Answer with a problem where there is no request to answer, and close."""
    response = problem.response()
    body = cast(bytes, response.body)
    head = [
        f"HTTP/1.1 {response.status} {response.reason}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        f"{hdrs.CONTENT_LENGTH}: {len(body)}",
        f"{hdrs.CONNECTION}: close",
        "",
        "",
    ]
    transport.write("\r\n".join(head).encode() + body)
    transport.close()
