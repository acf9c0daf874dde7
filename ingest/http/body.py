"""Reading bodies: what is not to be read is refused before a byte of it is, and what stalls starves nobody."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Final

from aiohttp import HttpVersion11, StreamReader, hdrs, web

from ingest.http.problems import Problem, unavailable
from ingest.limits import Budget, Limit, refused

PATIENCE_SECONDS: Final = 1.0
"""A body that has been arriving for less long gives way to no other."""

_JSON: Final = "application/json"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be, how long it may take, and what its Content-Type may say."""

    max_bytes: int
    timeout_seconds: float
    any_type: bool = False


@dataclass(slots=True)
class _Arriving:
    """A body that is being read: since when, in monotonic time, and how much of it is here."""

    since: float
    held_bytes: int = 0


class Bodies:
    """Reads bodies; what arrives of all of them together stays within a budget."""

    def __init__(self, limits: BodyLimits, budget: Budget) -> None:
        self._limits = limits
        self._budget = budget
        self._arriving: dict[asyncio.Timeout, _Arriving] = {}

    async def read(self, request: web.BaseRequest) -> bytes:
        """The body of a request, byte for byte.

        Raises:
            Problem: 415 the body is not declared as plain JSON; 413 it is too large; 408 it took too long, or
                was stalled while there was no room; 503 there is no room; 400 it broke off, or its
                chunks are malformed.
        """
        headers = request.headers
        if not self._limits.any_type:
            _check_type(headers.get(hdrs.CONTENT_TYPE, ""))
        if hdrs.CONTENT_ENCODING in headers:
            _check_codings(headers.getall(hdrs.CONTENT_ENCODING))
        self._check_length(request.content_length or 0)
        content = request.content
        if content.is_eof():  # it came together with its headers: there is nothing to wait for
            body = content.read_nowait()
            self._check_length(len(body))
            return body
        _invite(request)
        return await self._wait_for(content)

    async def _wait_for(self, content: StreamReader) -> bytes:
        parts: list[bytes] = []
        timer = asyncio.timeout(self._limits.timeout_seconds)
        mine = self._arriving[timer] = _Arriving(monotonic())
        try:
            async with timer:
                while part := await content.readany():
                    self._make_room(timer, len(part))
                    mine.held_bytes += len(part)
                    self._check_length(mine.held_bytes)
                    parts.append(part)
        except TimeoutError:
            refused(Limit.BODY_SECONDS if timer in self._arriving else Limit.ARRIVING_BYTES)
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, "The body arrived too slowly.") from None
        except (OSError, web.RequestPayloadError):
            raise Problem(
                HTTPStatus.BAD_REQUEST, "The body broke off, or its chunks are malformed."
            ) from None
        finally:
            self._arriving.pop(timer, None)
            self._budget.give(mine.held_bytes)
        return b"".join(parts)

    def _make_room(self, mine: asyncio.Timeout, length_bytes: int) -> None:
        """Take bytes of the budget; where there are none, from the stalled body that holds most of them."""
        if self._budget.take(length_bytes):
            return
        patient = monotonic() - PATIENCE_SECONDS
        stalled = [t for t, body in self._arriving.items() if t is not mine and body.since <= patient]
        largest = max(stalled, key=lambda timer: self._arriving[timer].held_bytes, default=None)
        if largest is None or self._arriving[largest].held_bytes < length_bytes:
            refused(Limit.ARRIVING_BYTES)
            raise unavailable("Too many bodies are arriving.")
        del self._arriving[largest]  # its bytes come back once, so they make room once
        with suppress(RuntimeError):  # its own time is over in this very turn
            largest.reschedule(asyncio.get_running_loop().time())
        self._budget.overdraw(length_bytes)

    def _check_length(self, length_bytes: int) -> None:
        if length_bytes > self._limits.max_bytes:
            refused(Limit.BODY_BYTES)
            detail = f"Expected a body of at most {self._limits.max_bytes} bytes."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _check_type(content_type: str) -> None:
    if content_type == _JSON:
        return
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != _JSON and not media_type.endswith("+json"):
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Expected the Content-Type {_JSON}.",
            headers={hdrs.ACCEPT: _JSON},
        )


def _check_codings(content_encodings: list[str]) -> None:
    if any(coding.lower() not in {"", "identity"} for coding in content_encodings):
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Expected a body without Content-Encoding.",
            headers={hdrs.ACCEPT_ENCODING: "identity"},
        )


def _invite(request: web.BaseRequest) -> None:
    """Tell a sender that waits for it to go on and send the body (RFC 9110, section 10.1.1)."""
    expects = request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
    if expects and request.version >= HttpVersion11 and request.transport is not None:
        request.transport.write(_CONTINUE)
