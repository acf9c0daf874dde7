"""The HTTP server: listens, keeps connections within bounds, and ends without leaving a sender unanswered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from yarl import URL

from ingest.ingress import Ingress
from ingest.problems import Problem
from ingest.publisher import publishing
from ingest.settings import IngressSettings
from telemetry import metrics
from telemetry.logs import logger

KEEPALIVE_SECONDS: Final = 15.0
"""Connections are closed after so long without a request, also while its headers are still arriving."""

LINGERING_SECONDS: Final = 5.0
"""For so long the rest of a refused body is read and dropped, so that its sender gets to read the answer."""

_NO_TARGET: Final = URL("/no-such-target")
_BACKLOG: Final = 1024
_LAST_WRITES_SECONDS: Final = 1.0


async def serve(
    settings: IngressSettings, stop: asyncio.Event, *, on_ready: Callable[[int], None] | None = None
) -> None:
    """Take in callbacks until ``stop`` is set; then answer what is under way and deliver what was taken in.

    ``on_ready`` is told the bound port as soon as requests are answered, whether or not Kafka can be reached.

    Raises:
        OSError: the address cannot be bound; the message names it.
    """
    async with publishing(settings, on_failure=stop.set) as publisher:
        ingress = Ingress(settings, publisher.publish, ready=lambda: publisher.ready)
        async with listening(settings, ingress) as port:
            logger().info("listening", url=f"http://{settings.host}:{port}{settings.path}")
            if on_ready is not None:
                on_ready(port)
            await stop.wait()
            logger().info("stopping")


@contextlib.asynccontextmanager
async def listening(settings: IngressSettings, ingress: Ingress) -> AsyncIterator[int]:
    """Answer requests while the block runs; yields the bound port. At its end, what is under way is answered.

    Raises:
        OSError: the address cannot be bound; the message names it.
    """
    server = _Server(
        ingress.answer,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGERING_SECONDS,
    )
    runner = web.ServerRunner(server, shutdown_timeout=_LAST_WRITES_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, backlog=_BACKLOG)
    try:
        await _start(site, settings)
        yield site.port
        await site.stop()
        await ingress.drain(settings.drain_timeout_seconds)
    finally:
        await runner.cleanup()


async def _start(site: web.TCPSite, settings: IngressSettings) -> None:
    try:
        await site.start()
    except OSError as error:
        message = (
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Set MIDI_INGEST_HOST and MIDI_INGEST_PORT to an address that is free."
        )
        raise OSError(error.errno, message) from error


class _Request(web.BaseRequest):
    """A request whose answer does not say what software gave it."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)


class _Server(web.Server):
    """aiohttp's low-level server with our connections and requests."""

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def _make_request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> _Request:
        try:
            return _Request(message, payload, protocol, writer, task, self._loop)
        except (
            ValueError
        ):  # a target such as http://xn--a/: raised here, it would leave the connection open for ever
            message = message._replace(url=_NO_TARGET, path=str(_NO_TARGET), should_close=True)
            return _Request(message, payload, protocol, writer, task, self._loop)


class _Connection(web.RequestHandler):
    """A connection whose own errors are problem documents, and whose log shows nothing of what was sent."""

    __slots__ = ()

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
            logger().info("answered", status=400, error=type(exc).__name__)
            problem = Problem(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP/1.1.")
        else:
            logger().error("request failed", path=request.rel_url.raw_path, exc_info=True)
            detail = "The ingress failed on this request; its log says more."
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
        return problem.response()

    def log_exception(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - aiohttp's interface
        """Log an error of the connection by its type only, since its message may quote what was sent."""
        logger().warning("connection failed", error=type(kwargs.get("exc_info")).__name__)
