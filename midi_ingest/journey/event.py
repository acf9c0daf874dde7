"""What one record tells of its task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec
from aiokafka import ConsumerRecord

from midi_ingest.moments import written
from midi_ingest.terminal import counted
from schemas import headers as h
from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus, letter_key_of
from schemas.dialects import AUTO, Meaning, NotACallback, NotJson, read_callback
from schemas.file import MidiFile
from schemas.outcome import Outcome
from schemas.score import TICKS_PER_SECOND, Score
from schemas.topics import DEAD_LETTER, FAILURES, NOW, RETRY

Details = dict[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """A record of a task: ``topic`` is without the prefix, ``what`` for people, ``details`` for programs."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    what: str
    details: Details = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The event as JSON."""
        return {
            "at": written(self.timestamp_ms),
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "what": self.what,
            **self.details,
        }


def event_in(topic: str, record: ConsumerRecord[bytes, bytes]) -> Event:
    """What a record tells; ``topic`` is its topic's name without the prefix."""
    headers, value = h.from_wire(record.headers), record.value or b""
    if record.value is None:
        what, details = "deleted", Details()
    else:
        try:
            what, details = _told(topic, headers, value, record)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what, details = f"cannot be read: {error}", Details()
    origin = headers.get(h.ORIGIN, "callback")
    return Event(
        topic,
        record.partition,
        record.offset,
        record.timestamp,
        what if origin == "callback" else f"{what} ({origin})",
        {**details, "bytes": len(value), "origin": origin, "receipt": headers.get(h.CE_ID)},
    )


_Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
_Teller: TypeAlias = Callable[[Mapping[str, str], bytes, _Record], tuple[str, Details]]


def _told(topic: str, headers: Mapping[str, str], value: bytes, record: _Record) -> tuple[str, Details]:
    if topic.startswith(RETRY):
        return _retried(topic, headers)
    return _TELLERS.get(topic, _sized)(headers, value, record)


def _sized(_headers: Mapping[str, str], value: bytes, _record: _Record) -> tuple[str, Details]:
    return f"{len(value):,} bytes", {}


def _called_back(headers: Mapping[str, str], value: bytes, _record: _Record) -> tuple[str, Details]:
    try:
        reading = read_callback(value, headers.get(h.DIALECT, AUTO))
        meaning, message, dialect = reading.meaning, reading.message, reading.dialect
    except (NotJson, NotACallback) as error:
        meaning, message, dialect = Meaning.INVALID, str(error), headers.get(h.DIALECT, AUTO)
    why = f": {message}" if message else ""
    details: Details = {"meaning": meaning.value, "message": message, "dialect": dialect}
    return f"{meaning.value} from {dialect}, {len(value):,} bytes{why}", details


def _scored(_headers: Mapping[str, str], value: bytes, _record: _Record) -> tuple[str, Details]:
    score = Score.decode(value)
    seconds = score.duration / TICKS_PER_SECOND
    notes = sum(instrument.note_count for instrument in score.instruments)
    warned = ", ".join(f"{warning.code} ×{warning.count}" for warning in score.warnings)
    what = f"{seconds:.1f} s, {counted(len(score.instruments), 'instrument')}, {counted(notes, 'note')}"
    details = {
        "duration_seconds": round(seconds, 3),
        "instruments": [instrument.name for instrument in score.instruments],
        "notes": notes,
        "warnings": msgspec.to_builtins(score.warnings),
    }
    return f"{what}; warnings: {warned}" if warned else what, details


def _ended(_headers: Mapping[str, str], value: bytes, _record: _Record) -> tuple[str, Details]:
    outcome = Outcome.decode(value)
    how = outcome.file or f"{outcome.reason}: {outcome.message}"
    details = {"status": outcome.status, "reason": outcome.reason, "message": outcome.message}
    return f"{outcome.status}: {how}", {**details, "file": outcome.file}


def _failed(headers: Mapping[str, str], _value: bytes, _record: _Record) -> tuple[str, Details]:
    worker, reason = headers.get(h.ERROR_WORKER, ""), headers.get(h.ERROR_REASON, "")
    message, attempt = headers.get(h.ERROR_MESSAGE, ""), headers.get(h.ERROR_ATTEMPTS, "")
    details: Details = {"worker": worker, "reason": reason, "message": message, "attempts": attempt}
    return f"{worker}, attempt {attempt}: {reason}: {message}", details


def _buried(headers: Mapping[str, str], value: bytes, record: _Record) -> tuple[str, Details]:
    what, details = _failed(headers, value, record)
    key = letter_key_of(headers, record.topic, record.partition, record.offset)
    letter = f"{record.partition}:{record.offset}"
    return f"{letter} of {what}", {**details, "letter": letter, "status_key": key}


def _marked(_headers: Mapping[str, str], value: bytes, _record: _Record) -> tuple[str, Details]:
    status = DeadLetterStatus.decode(value)
    return f"{status.status} by {status.by}", {"status": status.status, "by": status.by}


def _retried(topic: str, headers: Mapping[str, str]) -> tuple[str, Details]:
    worker, _, delay = topic.removeprefix(RETRY).rpartition(".")
    details: Details = {"worker": worker, "delay": delay, "attempts": headers.get(h.ERROR_ATTEMPTS)}
    return f"to {worker} once more, " + ("at once" if delay == NOW else f"after {delay}"), details


_TELLERS: Final[dict[str, _Teller]] = {
    Callback.topic.name: _called_back,
    Task.topic.name: _sized,
    Score.topic.name: _scored,
    MidiFile.topic.name: _sized,
    Outcome.topic.name: _ended,
    FAILURES.name: _failed,
    DEAD_LETTER.name: _buried,
    DeadLetterStatus.topic.name: _marked,
}
