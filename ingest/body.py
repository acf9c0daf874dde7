"""Reading a callback's body: what is not to be read is refused before a byte of it is."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, StreamReader, hdrs, web

from ingest.problems import Problem

_JSON: Final = "application/json"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


async def read_body(request: web.BaseRequest, *, limit_bytes: int, timeout_seconds: float) -> bytes:
    """The body of a request, byte for byte.

    Raises:
        Problem: 415 the body is not declared as plain JSON; 413 it is larger than ``limit_bytes``; 408 it
            took longer than ``timeout_seconds``; 400 it broke off.
    """
    _check_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    _check_coding(request.headers.get(hdrs.CONTENT_ENCODING, ""))
    _check_length(request.content_length or 0, limit_bytes)
    content = request.content
    if content.is_eof():  # it came together with its headers: there is nothing to wait for
        body = content.read_nowait()
        _check_length(len(body), limit_bytes)
        return body
    _invite(request)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read(content, limit_bytes)
    except TimeoutError:
        detail = f"The body did not arrive within {timeout_seconds:g} seconds."
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail) from None
    except (OSError, web.RequestPayloadError):
        raise Problem(HTTPStatus.BAD_REQUEST, "The body broke off.") from None


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


def _check_coding(content_encoding: str) -> None:
    if content_encoding.lower() not in {"", "identity"}:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Expected a body without Content-Encoding.",
            headers={hdrs.ACCEPT_ENCODING: "identity"},
        )


def _check_length(length_bytes: int, limit_bytes: int) -> None:
    if length_bytes > limit_bytes:
        detail = f"The body is larger than {limit_bytes} bytes."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _invite(request: web.BaseRequest) -> None:
    """Tell a sender that waits for it to go on and send the body (RFC 9110, section 10.1.1)."""
    expects = request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
    if expects and request.version >= HttpVersion11 and request.transport is not None:
        request.transport.write(_CONTINUE)


async def _read(content: StreamReader, limit_bytes: int) -> bytes:
    body = bytearray()
    while part := await content.readany():
        _check_length(len(body) + len(part), limit_bytes)
        body += part
    return bytes(body)
