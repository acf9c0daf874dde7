"""The headers that every record carries: their names, and how they pass from a record to what follows it.

Event metadata is named as in CloudEvents' Kafka binding (1.0.2, binary content mode). All values are text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_SPECVERSION: Final = "ce_specversion"
CONTENT_TYPE: Final = "content-type"
SCHEMA: Final = "midi-schema"
DIALECT: Final = "midi-dialect"
ORIGIN: Final = "midi-origin"
CORRELATION: Final = "midi-correlation-"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

ERROR: Final = "error-"
ERROR_REASON: Final = "error-reason"
ERROR_MESSAGE: Final = "error-message"
ERROR_EXCEPTION: Final = "error-exception"
ERROR_WORKER: Final = "error-worker"
ERROR_TOPIC: Final = "error-topic"
ERROR_PARTITION: Final = "error-partition"
ERROR_OFFSET: Final = "error-offset"
ERROR_TIMESTAMP: Final = "error-timestamp"
ERROR_ATTEMPTS: Final = "error-attempts"
ERROR_FIRST_AT: Final = "error-first-at"
ERROR_LAST_AT: Final = "error-last-at"
ERROR_VERSION: Final = "error-version"
ERROR_RETRY_AFTER: Final = "error-retry-after"
"""The seconds after which the worker that failed asked for another try, if it did."""

SPECVERSION: Final = "1.0"
SOURCE: Final = "/midi-ingest"

_CHARACTER_BYTES: Final = 6
"""What a character of a header takes at most (see `to_wire`)."""

WireHeaders = list[tuple[str, bytes]]
"""Headers as Kafka clients take them."""


def from_wire(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The headers of a record as text; of a repeated name the last one counts, and no byte raises."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}


def to_wire(headers: Mapping[str, str]) -> WireHeaders:
    """Headers as Kafka clients take them."""
    return [(name, value.encode("utf-8", "backslashreplace")) for name, value in headers.items()]


def most_bytes(headers: Mapping[str, str]) -> int:
    """What headers take at most: a character that cannot be encoded takes the most bytes."""
    return (sum(map(len, headers)) + sum(map(len, headers.values()))) * _CHARACTER_BYTES


def without_errors(headers: Mapping[str, str]) -> dict[str, str]:
    """The original headers of a record that had failed."""
    if ERROR not in "".join(headers):  # so it is with nearly all, and a third as long as to look at each
        return dict(headers)
    return {name: value for name, value in headers.items() if not name.startswith(ERROR)}


def sent_again(headers: Iterable[tuple[str, bytes | None]]) -> WireHeaders:
    """The headers of a record that an operator sends again: the original ones, without the trace of its first way."""
    dropped = {TRACEPARENT, TRACESTATE}
    return [(n, v or b"") for n, v in headers if n not in dropped and not n.startswith(ERROR)]


def correlation(headers: Mapping[str, str]) -> dict[str, str]:
    """The correlation parameters by their own names."""
    return {n.removeprefix(CORRELATION): value for n, value in headers.items() if n.startswith(CORRELATION)}


def moment(text: str) -> datetime | None:
    """The moment that an RFC 3339 text names, in UTC where it names no zone; None where it names none."""
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def timestamp(when: datetime) -> str:
    """A moment as RFC 3339 in UTC with microseconds: as text, later is greater."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
