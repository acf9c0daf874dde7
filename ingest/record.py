"""The headers of the record that a callback becomes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from schemas import headers
from schemas.callback import Callback
from schemas.dialects import sunoapi

ORIGIN: Final = "callback"

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2.2: version, trace, parent and flags; ff and zeros alone are invalid."""

_ALWAYS: Final = headers.to_wire(
    {
        headers.CE_TYPE: Callback.kind,
        headers.CE_SOURCE: headers.SOURCE,
        headers.CE_SPECVERSION: headers.SPECVERSION,
        headers.CONTENT_TYPE: Callback.content_type,
        headers.SCHEMA: str(Callback.version),
        headers.DIALECT: sunoapi.NAME,
        headers.ORIGIN: ORIGIN,
    }
)


def receipt_headers(traceparent: str | None) -> headers.WireHeaders:
    """The headers of a callback received now; a ``traceparent`` that is not well-formed is left out."""
    received = (
        (headers.CE_ID, str(uuid4()).encode()),
        (headers.CE_TIME, headers.timestamp(datetime.now(UTC)).encode()),
    )
    if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
        return [*received, *_ALWAYS]
    return [*received, *_ALWAYS, (headers.TRACEPARENT, traceparent.encode())]
