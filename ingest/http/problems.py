"""Errors as the sender sees them: problem documents as in RFC 9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import hdrs, web

RETRY_AFTER_SECONDS: Final = 5

CONTENT_TYPE: Final = "application/problem+json"

_PHRASES: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
"""As RFC 9110 has them; Python has them so only since 3.13."""


class Problem(Exception):
    """A request that is refused: with which status, and what was wrong and what was expected.

    ``field`` names the wrong field of the body where one is known; ``headers`` go with the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        field: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers or {}

    @property
    def told(self) -> dict[str, str]:
        """What was wrong, and in which field where one is known: in words for senders and logs."""
        return {"detail": self.detail} if self.field is None else {"detail": self.detail, "field": self.field}

    def response(self) -> web.Response:
        """The problem document. Its type is ``about:blank``: the status says what kind of problem it is."""
        phrase = _PHRASES.get(self.status, self.status.phrase)
        document = {
            "type": "about:blank",
            "title": phrase,
            "status": int(self.status),
            **self.told,
        }
        return web.Response(
            status=self.status,
            reason=phrase,
            body=orjson.dumps(document),
            headers={"Content-Type": CONTENT_TYPE, **self.headers},
        )


def unavailable(detail: str) -> Problem:
    """503: what cannot be done now, and when to come again."""
    retry_after = str(RETRY_AFTER_SECONDS)
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={hdrs.RETRY_AFTER: retry_after})
