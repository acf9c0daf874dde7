"""What becomes of a record that a worker could not do: itself, byte for byte, with headers that tell why."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from schemas import headers as h
from schemas import reasons
from schemas.topics import DEAD_LETTER, FAILURES
from workers.runtime.api import Failure
from workers.runtime.record import Record, Write, passed_on

# Error headers stay under 64 KiB, also where each character takes 6 bytes (see `headers.to_wire`).
_MESSAGE_CHARACTERS: Final = 1000
_EXCEPTION_CHARACTERS: Final = 8000


def failed(
    record: Record,
    failure: Failure,
    error: BaseException | None,
    *,
    worker: str,
    version: str,
    kind: Mapping[str, str],
) -> Write:
    """A failed record on its way to the failures topic; ``kind`` are headers that its topic implies."""
    now = h.timestamp(datetime.now(UTC))
    headers = {
        **kind,
        **passed_on(record),
        h.ERROR_REASON: failure.reason[:_MESSAGE_CHARACTERS],
        h.ERROR_MESSAGE: failure.message[:_MESSAGE_CHARACTERS],
        h.ERROR_WORKER: worker,
        h.ERROR_TOPIC: record.topic,
        h.ERROR_PARTITION: str(record.partition),
        h.ERROR_OFFSET: str(record.offset),
        h.ERROR_TIMESTAMP: str(record.timestamp_ms),
        h.ERROR_ATTEMPTS: str(attempts(record.headers) + 1),
        h.ERROR_FIRST_AT: record.headers.get(h.ERROR_FIRST_AT, now),
        h.ERROR_LAST_AT: now,
        h.ERROR_VERSION: version,
    }
    if error:
        headers[h.ERROR_EXCEPTION] = "".join(traceback.format_exception(error))[-_EXCEPTION_CHARACTERS:]
    return Write(FAILURES, record.key, record.value, headers)


def unroutable(record: Record, why: str) -> Write:
    """A failure that the worker which routes failures fails on: straight to the dead letters, its story kept."""
    told = {h.ERROR_REASON: reasons.UNROUTABLE, h.ERROR_MESSAGE: why[:_MESSAGE_CHARACTERS]}
    return Write(DEAD_LETTER, record.key, record.value, {**record.headers, **told})


def attempts(headers: Mapping[str, str]) -> int:
    """How often a record has failed already; what is no number counts as never."""
    text = headers.get(h.ERROR_ATTEMPTS, "")[:9]
    return int(text) if text.isdecimal() else 0
