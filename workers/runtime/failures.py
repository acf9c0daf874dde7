"""What becomes of a record that a worker could not do: itself, byte for byte, with headers that tell why."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas import headers as h
from schemas import reasons
from schemas.topics import DEAD_LETTER, FAILURES
from workers.runtime.api import Reject, Retry, Worker
from workers.runtime.record import Record, Write, passed_on

# Error headers stay under 64 KiB, also where each character takes 6 bytes (see `headers.to_wire`).
_MESSAGE_CHARACTERS: Final = 1000
_EXCEPTION_CHARACTERS: Final = 8000


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record failed; ``error`` is what its headers show the stack of, ``unforeseen`` what was no decision."""

    reason: str
    message: str
    error: BaseException | None = None
    retry_after: timedelta | None = None
    unforeseen: Exception | None = None


def fault_of(error: Exception, worker: Worker) -> Fault:
    """What an error says of its record, by its kind or else by the worker's policy."""
    match error:
        case Reject():
            return Fault(error.reason, str(error), error.__cause__)
        case Retry():
            return Fault(reasons.RETRY_REQUESTED, str(error), error.__cause__, error.after)
        case _:
            reason = reasons.UNEXPECTED_ERROR if worker.on_error == "retry" else reasons.UNRETRIED_ERROR
            return Fault(reason, _in_words(error), error, unforeseen=error)


def failed(record: Record, fault: Fault, *, worker: str, version: str, kind: Mapping[str, str]) -> Write:
    """A failed record on its way to the failures topic; ``kind`` are headers that its topic implies."""
    now = h.timestamp(datetime.now(UTC))
    headers = {
        **kind,
        **passed_on(record),
        h.ERROR_REASON: fault.reason[:_MESSAGE_CHARACTERS],
        h.ERROR_MESSAGE: fault.message[:_MESSAGE_CHARACTERS],
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
    if fault.retry_after is not None:
        headers[h.ERROR_RETRY_AFTER] = str(math.ceil(fault.retry_after.total_seconds()))
    if fault.error:
        headers[h.ERROR_EXCEPTION] = "".join(traceback.format_exception(fault.error))[-_EXCEPTION_CHARACTERS:]
    return Write(FAILURES, record.key, record.value, headers)


def unroutable(record: Record, why: str) -> Write:
    """A failure that the worker which routes failures fails on: straight to the dead letters, its story kept."""
    told = {h.ERROR_REASON: reasons.UNROUTABLE, h.ERROR_MESSAGE: why[:_MESSAGE_CHARACTERS]}
    return Write(DEAD_LETTER, record.key, record.value, {**record.headers, **told})


def attempts(headers: Mapping[str, str]) -> int:
    """How often a record has failed already; what is no number counts as never."""
    text = headers.get(h.ERROR_ATTEMPTS, "")[:9]
    return int(text) if text.isdecimal() else 0


def _in_words(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an error that cannot tell of itself must not cost more than its record
        return type(error).__name__
