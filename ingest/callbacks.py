"""Taking a callback in: verify, read, validate, deliver. All else that happens to it is a worker's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import time
from typing import Final

import orjson
from aiohttp import hdrs, web

from ingest.http import answers
from ingest.http.body import Bodies, BodyLimits
from ingest.http.problems import Problem, unavailable
from ingest.limits import Budgets, Limit, refused
from ingest.origin.addresses import AllowedAddresses
from ingest.origin.guard import UNASKED, Guard, Pending
from ingest.origin.verifier import Head, NotVerified
from ingest.publishing.batches import TooLarge, Unavailable
from ingest.quarantine import Quarantine
from ingest.record import Record, receipt_headers
from ingest.settings import IngressSettings
from schemas.callback import Callback
from schemas.dialects import NotACallback, NotJson, read_envelope
from schemas.headers import WireHeaders
from telemetry import metrics, tracing
from telemetry.tracer import Step

Deliver = Callable[[Record], Awaitable[None]]
"""Makes a record safe, or raises `Unavailable` or `TooLarge`."""

TASK_ID: Final = web.RequestKey("task_id", str)
"""Where a request keeps its callback's task id, for the log."""

_STEP: Final = web.RequestKey("step", Step)
"""Where it keeps its span."""

_CHALLENGE: Final = 'Webhook realm="callbacks"'
_FORWARDED_FOR: Final = "X-Forwarded-For"


class Callbacks:
    """Takes callbacks in. Only the envelope is read; ``deliver`` gets the bytes as they are.

    ``guard`` may be replaced at any time: a request keeps the one that it began with.
    """

    def __init__(self, settings: IngressSettings, deliver: Deliver, guard: Guard, budgets: Budgets) -> None:
        self.guard = guard
        self._settings = settings
        self._deliver = deliver
        limits = BodyLimits(
            settings.max_body_bytes, settings.body_timeout_seconds, any_type=settings.any_content_type
        )
        self._bodies = Bodies(limits, budgets.arriving)
        self._addresses = AllowedAddresses(settings.allowed_addresses, settings.trusted_proxies)
        self._quarantine = Quarantine(
            settings.layout, settings.quarantine_max_bytes, self._make_safe, budgets.kafka
        )
        self._before_token = settings.path.rstrip("/")
        self._topic = settings.layout.name(Callback.topic)
        self._waiting = 0

    def are_posted_to(self, raw_path: str) -> bool:
        """Whether a path, as it was sent, is that of callbacks with a token at its end."""
        return self.guard.takes_token and self._token(raw_path) is not None

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Make a callback safe, and say so; as a span, where this process traces.

        Raises:
            Problem: what was wrong with it; nothing of it is kept.
        """
        if tracing.current is None:
            return await self._receive(request)
        step = tracing.current.receiving(request.method, self._settings.path, request.headers)
        request[_STEP] = step
        try:
            response = await self._receive(request)
        except Problem as problem:
            step.end(status=problem.status)
            raise
        step.end(status=response.status)
        return response

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            pending = self._verify_head(request)
            body = await self._bodies.read(request)
            pending = pending.body(body)
            try:
                envelope = read_envelope(body, self._settings.vendor)
            except (NotJson, NotACallback) as error:
                return await self._keep_aside(request, body, error, pending)
            pending.task_id(envelope.task_id)
        except NotVerified as refusal:
            raise Problem(
                HTTPStatus.UNAUTHORIZED, str(refusal), headers={hdrs.WWW_AUTHENTICATE: _CHALLENGE}
            ) from None
        request[TASK_ID] = envelope.task_id
        headers = self._headers(request, envelope.dialect)
        record = Record(self._topic, envelope.task_id.encode(), body, headers)
        self._begin_waiting()
        try:
            await self._make_safe(record)
        finally:
            self._waiting -= 1
        metrics.CALLBACK_BYTES.inc(len(body))
        return answers.received(request)

    def _verify_head(self, request: web.BaseRequest) -> Pending:
        if self._settings.allowed_addresses:
            forwarded_for = request.headers.getall(_FORWARDED_FOR, ())
            if not self._addresses.allow(request.remote, forwarded_for):
                raise Problem(HTTPStatus.FORBIDDEN, "Callbacks are not taken from this address.")
        guard = self.guard
        if not guard.verifies:
            return UNASKED
        token = self._token(request.rel_url.raw_path) if guard.takes_token else None
        return guard.head(Head(token, request.headers, time()))

    def _token(self, raw_path: str) -> str | None:
        """What stands behind the callbacks' path, as it was sent; None where that is another path."""
        before, _, last = raw_path.rpartition("/")
        return last if before == self._before_token else None

    def _begin_waiting(self) -> None:
        """Count one callback more that waits until it is safe, as far as there may be more."""
        if self._waiting >= self._settings.max_in_flight:
            refused(Limit.IN_FLIGHT)
            raise unavailable("Too many callbacks wait until they are safe.")
        self._waiting += 1

    async def _make_safe(self, record: Record) -> None:
        try:
            await self._deliver(record)
        except Unavailable as error:
            refused(error.limit)
            raise unavailable(str(error)) from None
        except TooLarge as error:
            refused(Limit.KAFKA_RECORD_BYTES)
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error)) from None

    async def _keep_aside(
        self, request: web.BaseRequest, body: bytes, error: NotJson | NotACallback, pending: Pending
    ) -> web.StreamResponse:
        """Keep what a verified sender posts though it is no callback, so that no retry is spent on it."""
        problem = _refusal(error)
        if not pending.verified:
            if pending.alternatives:
                raise NotVerified("Expected a callback whose task id is signed.")
            raise problem
        why = problem.detail if problem.field is None else f"{problem.field}: {problem.detail}"
        self._begin_waiting()
        try:
            is_kept = await self._quarantine.keep(body, why, self._headers(request, None))
        finally:
            self._waiting -= 1
        if not is_kept:
            raise problem
        answer = {"status": "quarantined", "reason": problem.detail}
        if problem.field is not None:
            answer["field"] = problem.field
        return answers.json(orjson.dumps(answer))

    def _headers(self, request: web.BaseRequest, dialect: str | None) -> WireHeaders:
        step = request.get(_STEP)
        context = request.headers if step is None else step.headers
        return receipt_headers(dialect, context, self._correlation(request))

    def _correlation(self, request: web.BaseRequest) -> Mapping[str, str]:
        names = self._settings.correlation_parameters
        if not names or not request.query_string:
            return {}
        query, most = request.query, self._settings.correlation_max_characters
        return {name: query[name][:most] for name in names if name in query}


def _refusal(error: NotJson | NotACallback) -> Problem:
    if isinstance(error, NotJson):
        return Problem(HTTPStatus.BAD_REQUEST, str(error))
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field=error.field)
