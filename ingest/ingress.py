"""What the ingress answers: to callbacks, and to questions after its health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from logging import DEBUG, INFO, WARNING
from time import perf_counter
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import Counter

from ingest.body import read_body
from ingest.problems import Problem
from ingest.publisher import Unavailable
from ingest.record import receipt_headers
from ingest.routes import NOWHERE, Route, readable
from ingest.settings import HEALTH, METRICS, READY, IngressSettings
from schemas.dialects import sunoapi
from schemas.headers import TRACEPARENT, WireHeaders
from telemetry import health, metrics
from telemetry.logs import logger

RETRY_AFTER_SECONDS: Final = 5

Publish = Callable[[bytes, bytes, WireHeaders], Awaitable[None]]
"""Publishes a record (key, body, headers), or raises `Unavailable`."""

_RECEIVED: Final = b'{"status":"received"}'
_READY: Final = b'{"status":"ready"}'
_ALIVE: Final = b'{"status":"alive"}'

_TASK_ID: Final = web.RequestKey("task_id", str)


class Ingress:
    """Answers every request. Only a callback's envelope is read; ``publish`` gets its bytes as they are."""

    def __init__(self, settings: IngressSettings, publish: Publish, *, ready: Callable[[], bool]) -> None:
        self._settings = settings
        self._publish = publish
        self._ready = ready
        self._log = logger().bind()
        self._under_way = 0
        self._draining = False
        self._idle = asyncio.Event()
        metrics.CALLBACKS_IN_FLIGHT.set_function(lambda: self._under_way)
        self._callback = Route("callback", {hdrs.METH_POST: self._receive})
        self._routes = {
            settings.path: self._callback,
            HEALTH: Route("healthz", readable(_alive)),
            READY: Route("readyz", readable(self._readiness)),
            METRICS: Route("metrics", readable(_metrics)),
            "*": Route("other", {}),  # `OPTIONS *` asks the server, no path
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The answer to a request; what is refused is answered with a problem document."""
        started = perf_counter()
        route = self._routes.get(request.path, NOWHERE)
        try:
            response = await route.answer(request)
        except Problem as problem:
            response = problem.response()
        if self._draining or not request.content.is_eof():
            response.force_close()  # what is left of a body cannot be told from a next request
        self._tell(request, route, response.status, perf_counter() - started)
        return response

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until no callback is under way; from now on each answer closes its connection."""
        self._draining = True
        self._idle.clear()
        if not self._under_way:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning("callbacks left unanswered", callbacks=self._under_way)

    async def _receive(self, request: web.BaseRequest) -> web.Response:
        self._under_way += 1
        try:
            body = await read_body(
                request,
                limit_bytes=self._settings.max_body_bytes,
                timeout_seconds=self._settings.body_timeout_seconds,
            )
            request[_TASK_ID] = task_id = _task_id(body)
            headers = receipt_headers(request.headers.get(TRACEPARENT))
            await self._publish(task_id.encode(), body, headers)
        except Unavailable as error:
            raise _unavailable(str(error)) from None
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        metrics.CALLBACK_BYTES.inc(len(body))
        return _json(_RECEIVED)

    async def _readiness(self, _: web.BaseRequest) -> web.Response:
        if self._draining:
            raise _unavailable("The ingress is stopping.")
        if not self._ready():
            raise _unavailable("Kafka cannot be reached, or a topic is missing; the log says more.")
        return _json(_READY)

    def _tell(self, request: web.BaseRequest, route: Route, status: int, seconds: float) -> None:
        """Count the answer and log it; a success only as debug, since a line costs as much as an answer."""
        _answers(route.name, status).inc()
        if route is self._callback:
            metrics.CALLBACK_SECONDS.observe(seconds)
        level = self._level(route, status)
        if not self._log.is_enabled_for(level):
            return
        self._log.log(
            level,
            "answered",
            method=request.method,
            path=request.rel_url.raw_path,
            status=status,
            ms=round(seconds * 1000, 2),
            bytes=request.content.total_bytes,
            task_id=request.get(_TASK_ID),
        )

    def _level(self, route: Route, status: int) -> int:
        if status < HTTPStatus.BAD_REQUEST or not (route is self._callback or route is NOWHERE):
            return DEBUG
        return INFO if status < HTTPStatus.INTERNAL_SERVER_ERROR else WARNING


def _task_id(body: bytes) -> str:
    """The callback's task id, once its envelope is valid; its notes are not looked at."""
    try:
        return sunoapi.read_envelope(body)[0]
    except sunoapi.NotJson as error:
        raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from None
    except sunoapi.NotACallback as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field=error.field) from None


def _unavailable(detail: str) -> Problem:
    retry_after = str(RETRY_AFTER_SECONDS)
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={hdrs.RETRY_AFTER: retry_after})


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def _alive(_: web.BaseRequest) -> web.Response:
    return _json(_ALIVE)


async def _metrics(_: web.BaseRequest) -> web.Response:
    return health.metrics()


@cache
def _answers(route: str, status: int) -> Counter:
    """The counter of a route's answers with one status: finding it costs more than counting."""
    return metrics.REQUESTS.labels(route, str(status))
