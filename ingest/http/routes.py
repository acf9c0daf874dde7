"""Paths and methods: what answers which, and what is said to all others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from ingest.http.problems import Problem

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers a request, or raises `Problem`."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path: its name in metrics, and what answers which method of it."""

    name: str
    path: str
    handlers: Mapping[str, Handler]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer of the method's handler.

        Raises:
            Problem: the handler's own, or 405.
        """
        if (handler := self.handlers.get(request.method)) is not None:
            return await handler(request)
        allow = ", ".join([*self.handlers, hdrs.METH_OPTIONS])
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=HTTPStatus.NO_CONTENT, headers={hdrs.ALLOW: allow})
        detail = f"Expected one of the methods {allow}."
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={hdrs.ALLOW: allow})


def readable(handler: Handler) -> dict[str, Handler]:
    """The handlers of a path that can be read: HEAD is GET without the body, which aiohttp leaves out."""
    return {hdrs.METH_GET: handler, hdrs.METH_HEAD: handler}


class _Nowhere(Route):
    """Every path that is no route."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:  # noqa: ARG002 - a route's interface
        raise Problem(HTTPStatus.NOT_FOUND, "There is nothing at this path.")


NOWHERE: Final = _Nowhere("other", "elsewhere", {})
