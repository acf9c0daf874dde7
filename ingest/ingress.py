"""What the ingress answers: to callbacks, and to questions after its health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from logging import DEBUG, INFO, WARNING
from time import perf_counter
from typing import Final, NamedTuple

import orjson
from aiohttp import hdrs, web
from prometheus_client import Counter

from ingest.callbacks import TASK_ID, Callbacks
from ingest.http import answers
from ingest.http.problems import Problem, unavailable
from ingest.http.routes import NOWHERE, Route, readable
from ingest.settings import HEALTH, METRICS, READY
from telemetry import health, metrics
from telemetry.logs import logger

ALERTED: Final = (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
"""The answers to callbacks that alerts are about: they are counted from 0, so that none for hours is seen, too."""

_ALIVE: Final = b'{"status":"alive"}'


class State(NamedTuple):
    """Whether callbacks can be made safe now, and what ``/readyz`` tells of it."""

    ready: bool
    told: Mapping[str, object]


class Ingress:
    """Answers every request; callbacks are posted to ``path``."""

    def __init__(self, path: str, callbacks: Callbacks, *, state: Callable[[], State]) -> None:
        self._callbacks = callbacks
        self._state = state
        self._log = logger().bind()
        self.under_way = 0
        """Callbacks that are being received or made safe."""
        self._draining = False
        self._idle = asyncio.Event()
        self._callback = Route("callback", path, {hdrs.METH_POST: self._receive})
        routes = [
            self._callback,
            Route("healthz", HEALTH, readable(_alive)),
            Route("readyz", READY, readable(self._readiness)),
            Route("metrics", METRICS, readable(_metrics)),
            Route("other", "*", {}),  # `OPTIONS *` asks the server, no path
        ]
        self._routes = {route.path: route for route in routes}
        for status in ALERTED:  # what is not there yet cannot be told from what is not scraped
            _answers(self._callback.name, status)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to a request; what is refused is answered with a problem document."""
        started = perf_counter()
        route = self._routes.get(request.path) or self._beyond(request)
        refusal: Problem | None = None
        try:
            response = await route.answer(request)
        except Problem as problem:
            refusal, response = problem, problem.response()
        if self._draining or not request.content.is_eof():
            response.force_close()  # what is left of a body cannot be told from a next request
        self._tell(request, route, response.status, perf_counter() - started, refusal)
        return response

    def withdraw(self) -> None:
        """Be not ready from now on, and close each connection with its next answer: others are to be asked."""
        self._draining = True

    async def drain(self, timeout_seconds: float) -> None:
        """Wait until no callback is under way."""
        self.withdraw()
        self._idle.clear()
        if not self.under_way:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            self._log.warning("callbacks left unanswered", callbacks=self.under_way)

    def _beyond(self, request: web.BaseRequest) -> Route:
        """The route of a path that is none as it stands."""
        return self._callback if self._callbacks.are_posted_to(request.rel_url.raw_path) else NOWHERE

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        self.under_way += 1
        try:
            return await self._callbacks.receive(request)
        finally:
            self.under_way -= 1
            if not self.under_way:
                self._idle.set()

    async def _readiness(self, _: web.BaseRequest) -> web.StreamResponse:
        if self._draining:
            raise unavailable("The ingress is stopping.")
        ready, told = self._state()
        if not ready:
            raise unavailable(str(told.get("why", "Callbacks cannot be made safe now.")))
        return answers.json(orjson.dumps({"status": "ready", **told}))

    def _tell(
        self, request: web.BaseRequest, route: Route, status: int, seconds: float, refusal: Problem | None
    ) -> None:
        """Count the answer and log it; a success only as debug, since a line costs as much as an answer.

        No path but a route's own is logged: what stands behind it, or nearly looks like it, may be a token. The
        detail of a refusal says what was expected, and quotes nothing of what was sent.
        """
        _answers(route.name, status).inc()
        if route is self._callback:
            metrics.CALLBACK_SECONDS.observe(seconds)
        level = self._level(route, status)
        if not self._log.is_enabled_for(level):
            return
        why = {} if refusal is None else refusal.told
        self._log.log(
            level,
            "answered",
            method=request.method,
            path=route.path,
            status=status,
            ms=round(seconds * 1000, 2),
            bytes=request.content.total_bytes,
            task_id=request.get(TASK_ID),
            **why,
        )

    def _level(self, route: Route, status: int) -> int:
        if status < HTTPStatus.BAD_REQUEST or not (route is self._callback or route is NOWHERE):
            return DEBUG
        return INFO if status < HTTPStatus.INTERNAL_SERVER_ERROR else WARNING


async def _alive(_: web.BaseRequest) -> web.StreamResponse:
    return answers.json(_ALIVE)


async def _metrics(_: web.BaseRequest) -> web.StreamResponse:
    return health.metrics()


@cache
def _answers(route: str, status: int) -> Counter:
    """The counter of a route's answers with one status: finding it costs more than counting."""
    return metrics.REQUESTS.labels(route, str(status))
