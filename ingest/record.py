"""The record that a callback becomes, and its headers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time_ns
from typing import Final, NamedTuple

from schemas import headers as h
from schemas.callback import Callback

ORIGIN: Final = "callback"

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2.2: version, trace, parent and flags; ff and zeros alone are invalid."""

_TRACESTATE: Final = re.compile(r"[\t -~]{1,512}")
"""Section 3.3: what it may consist of, and the length that everybody should pass on."""

_ALWAYS: Final = h.to_wire(
    {
        h.CE_TYPE: Callback.kind,
        h.CE_SOURCE: h.SOURCE,
        h.CE_SPECVERSION: h.SPECVERSION,
        h.CONTENT_TYPE: Callback.content_type,
        h.SCHEMA: str(Callback.version),
        h.ORIGIN: ORIGIN,
    }
)


class Record(NamedTuple):
    """What is published: the topic's full name, and what Kafka keeps."""

    topic: str
    key: bytes
    value: bytes
    headers: h.WireHeaders


def receipt_headers(
    dialect: str | None, context: Mapping[str, str], correlation: Mapping[str, str] | None = None
) -> h.WireHeaders:
    """The headers of a body received now, in a ``dialect`` if it is a callback.

    Of its ``context`` the trace is passed on, if it is well-formed. ``ce_id`` is 128 random bits in hex.
    """
    headers = [(h.CE_ID, os.urandom(16).hex().encode()), (h.CE_TIME, _now()), *_ALWAYS]
    if dialect is not None:
        headers.append((h.DIALECT, dialect.encode()))
    if (traceparent := context.get(h.TRACEPARENT)) is not None and _TRACEPARENT.fullmatch(traceparent):
        headers.append((h.TRACEPARENT, traceparent.encode()))
        if (state := context.get(h.TRACESTATE)) and _TRACESTATE.fullmatch(state):
            headers.append((h.TRACESTATE, state.encode()))
    if correlation:
        headers += h.to_wire({h.CORRELATION + name: value for name, value in correlation.items()})
    return headers


class _Clock:
    """The time as `schemas.headers.timestamp` writes it; the text of each second is made once."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self) -> bytes:
        second, nanoseconds = divmod(time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._text = h.timestamp(datetime.fromtimestamp(second, UTC)).partition(".")[0]
        return b"%s.%06dZ" % (self._text.encode(), nanoseconds // 1000)


_now: Final = _Clock()
