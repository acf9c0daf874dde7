"""One letter with all that is known of it, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson
from aiokafka import ConsumerRecord

from midi_ingest.dead_letters.letter import Letter
from midi_ingest.moments import written
from midi_ingest.terminal import visible
from schemas import headers as h
from schemas.dead_letter import DeadLetterStatus

_FIRST_LINES: Final = 40
"""How much of a value a terminal shows."""


def summary(letter: Letter) -> dict[str, object]:
    """A letter in a list, as JSON."""
    return {
        "id": letter.id,
        "at": written(letter.timestamp_ms),
        "task": letter.task,
        "reason": letter.reason,
        "fault": letter.is_fault,
        "worker": letter.worker,
        "status": letter.status,
        "bytes": letter.size_bytes,
    }


def document(
    letter: Letter, record: ConsumerRecord[bytes, bytes], status: DeadLetterStatus | None
) -> dict[str, object]:
    """A letter as JSON; a value that is JSON as such, other text as text, and of other bytes only how many."""
    headers = h.from_wire(record.headers)
    value = record.value or b""
    return {
        **summary(letter),
        "message": headers.get(h.ERROR_MESSAGE),
        "failed_at": _failed_at(headers),
        "attempts": headers.get(h.ERROR_ATTEMPTS),
        "first_at": headers.get(h.ERROR_FIRST_AT),
        "last_at": headers.get(h.ERROR_LAST_AT),
        "version": headers.get(h.ERROR_VERSION),
        "exception": headers.get(h.ERROR_EXCEPTION),
        "status_by": status and status.by,
        "status_at": status and status.at,
        "headers": h.without_errors(headers),
        "value": _as_json(value),
    }


def lines(
    letter: Letter, record: ConsumerRecord[bytes, bytes], status: DeadLetterStatus | None, *, cut: bool
) -> Iterator[str]:
    """A letter for a person; with ``cut``, only the beginning of a long value."""
    headers = h.from_wire(record.headers)
    yield f"Dead letter {letter.id}" + (" (a fault of the system)" if letter.is_fault else "")
    yield ""
    yield from _fields(
        {
            "status": _told(letter, status),
            "task": letter.task,
            "reason": letter.reason,
            "message": headers.get(h.ERROR_MESSAGE, ""),
            "worker": letter.worker,
            "failed at": _failed_at(headers) or "not told",
            "attempts": headers.get(h.ERROR_ATTEMPTS, ""),
            "first": headers.get(h.ERROR_FIRST_AT, ""),
            "last": headers.get(h.ERROR_LAST_AT, ""),
            "version": headers.get(h.ERROR_VERSION, ""),
        }
    )
    if stack := headers.get(h.ERROR_EXCEPTION):
        yield from ("", "Exception", "", *_indented(stack))
    yield from ("", "Headers", "", *_fields(h.without_errors(headers)))
    value = record.value or b""
    yield from ("", f"Value, {len(value):,} bytes", "", *_value(value, cut=cut))


def _told(letter: Letter, status: DeadLetterStatus | None) -> str:
    return f"{status.status} at {status.at} by {status.by}" if status else letter.status


def _failed_at(headers: dict[str, str]) -> str | None:
    names = (h.ERROR_TOPIC, h.ERROR_PARTITION, h.ERROR_OFFSET)
    topic, partition, offset = (headers.get(name) for name in names)
    return f"{topic}, partition {partition}, offset {offset}" if topic else None


def _fields(fields: dict[str, str]) -> Iterator[str]:
    width = max(map(len, fields), default=0)
    for name, text in fields.items():
        yield f"  {visible(name):{width}}  {visible(text).replace(chr(10), ' ')}"


def _value(value: bytes, *, cut: bool) -> Iterator[str]:
    decoded = _as_json(value)
    if decoded is None and value:
        yield "  It is no text: `midi-ingest dlq show --raw` writes its bytes."
        return
    text = decoded if isinstance(decoded, str) else orjson.dumps(decoded, option=orjson.OPT_INDENT_2).decode()
    shown = list(_indented(text))
    yield from shown[:_FIRST_LINES] if cut else shown
    if cut and len(shown) > _FIRST_LINES:
        yield f"  … and {len(shown) - _FIRST_LINES:,} lines more: `midi-ingest dlq show --raw` writes all of it."


def _as_json(value: bytes) -> object:
    """A value as JSON has it: decoded where it is JSON, text where it is text, else null."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"  {visible(line)}"
