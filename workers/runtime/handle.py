"""From records to records: calls a worker's function and makes records of what it returns or raises.

Nothing here knows Kafka's clients: records and state go in, a `Batch` comes out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from schemas import headers as h
from schemas import reasons
from schemas.message import Message
from schemas.topics import FAILURES, NOW, changelog
from workers.runtime.api import (
    Context,
    Dropped,
    Failure,
    Forward,
    Keyed,
    Output,
    Reject,
    Result,
    Source,
    Unavailable,
    Worker,
    topic_of,
)
from workers.runtime.failures import attempts, failed, unroutable
from workers.runtime.record import Record, Write, passed_on
from workers.runtime.state import KeyState, LaneState
from workers.settings import WorkerSettings

BUDGET_SECONDS: Final = 0.25
"""A batch ends after this much time in the function, so that the first record does not wait for the last."""

BUDGET_BYTES: Final = 8 * 1024 * 1024
"""A batch ends after writing this much: what a lane holds in memory stays bounded."""

HEADROOM_BYTES: Final = 128 * 1024
"""What a value leaves free in a record: for its key, its headers, and error headers should it fail later."""


@dataclass(slots=True)
class Batch:
    """What became of the first ``handled`` records; ``blocked`` says why the next one has to wait.

    ``error`` is the first that the function raised without having foreseen it.
    """

    handled: int = 0
    writes: list[Write] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    blocked: Unavailable | None = None
    error: Exception | None = None


class Handler:
    """Handles records for one worker; ``version`` is named in the headers of what fails."""

    def __init__(self, worker: Worker, settings: WorkerSettings, version: str) -> None:
        self._worker, self._settings, self._version = worker, settings, version
        layout = settings.layout
        self._live = {layout.name(topic_of(source)): source for source in worker.reads}
        self._kinds = {source.kind: source for source in worker.reads if isinstance(source, type)}
        self._writable = frozenset(map(topic_of, worker.writes))
        self._now = {layout.name(topic) for topic in worker.retry_topics([NOW]).values()}
        self._max_value_bytes = layout.max_record_bytes - HEADROOM_BYTES
        for source in self._kinds.values():
            source.prepare()
        self._typed = all(isinstance(source, type) for source in worker.reads)
        self._routes_failures = FAILURES in worker.reads
        self._changelog = changelog(worker.name, settings.dedup_window)

    def handle(self, records: Sequence[Record], state: LaneState | None) -> Batch:
        """Handle records in order until they, the time or the bytes are used up, or something is away."""
        batch = Batch()
        deadline = time.monotonic() + BUDGET_SECONDS
        size = 0
        for record in records:
            try:
                writes = self._one(record, state, batch)
            except Unavailable as unavailable:
                batch.blocked = unavailable
                break
            batch.writes += writes
            batch.handled += 1
            size += sum(len(write.value or b"") for write in writes)
            if size > BUDGET_BYTES or time.monotonic() > deadline:
                break
        batch.writes += self._changes(state)
        return batch

    def _one(self, record: Record, state: LaneState | None, batch: Batch) -> list[Write]:
        """What one record leads to; whatever goes wrong with it is its own failure."""
        if record.value is None:
            batch.dropped["tombstone"] += 1
            return []
        try:
            key = self._key(record)
            mine = state.of(key, record.timestamp_ms) if state is not None else None
            outputs = _listed(self._call(record, key, mine))
            writes = [write for output in outputs if (write := self._write(record, output))]
        except Unavailable:
            raise
        except Reject as reject:
            batch.failed[reject.reason] += 1
            return [self._failure(record, Failure(reject.reason, str(reject)), reject.__cause__)]
        except Exception as error:  # noqa: BLE001 - whatever a worker raises costs only the record in work
            batch.failed[reasons.UNEXPECTED_ERROR] += 1
            batch.error = batch.error or error
            return [self._failure(record, Failure(reasons.UNEXPECTED_ERROR, _in_words(error)), error)]
        if mine:
            mine.keep()
        batch.dropped.update(output.why for output in outputs if isinstance(output, Dropped))
        batch.failed.update(output.reason for output in outputs if isinstance(output, Failure))
        return writes

    def _key(self, record: Record) -> str:
        if not record.key and self._typed:
            raise Reject(reasons.INVALID_PAYLOAD, "The record has no key.")
        try:
            return (record.key or b"").decode()
        except UnicodeDecodeError as error:
            raise Reject(reasons.INVALID_PAYLOAD, "The record's key is not UTF-8.") from error

    def _call(self, record: Record, key: str, state: KeyState | None) -> Result:
        parameters: dict[str, Any] = {}
        if name := self._worker.parameters.get("context"):
            parameters[name] = self._context(record, key)
        if name := self._worker.parameters.get("state"):
            parameters[name] = state
        return self._worker.function(self._decoded(record), **parameters)

    def _context(self, record: Record, key: str) -> Context:
        return Context(
            key=key,
            value=record.value or b"",
            headers=passed_on(record) | record.headers,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            attempt=attempts(record.headers) + 1,
            redriven=record.topic in self._now,
            settings=self._settings,
        )

    def _decoded(self, record: Record) -> Message | bytes:
        value = record.value or b""
        source = self._source(record)
        if not isinstance(source, type):
            return value
        try:
            return source.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Reject(reasons.INVALID_PAYLOAD, f"This is no {source.kind}: {error}.") from error

    def _source(self, record: Record) -> Source:
        """What a record carries: its topic says it, and for a record that comes again its kind."""
        if record.topic in self._live:
            return self._live[record.topic]
        if len(self._worker.reads) == 1:
            return self._worker.reads[0]
        kind = record.headers.get(h.CE_TYPE, "")
        if kind not in self._kinds:
            raise Reject(
                reasons.INVALID_PAYLOAD,
                f"The header {h.CE_TYPE} names nothing this worker reads: {kind!r:.100}.",
            )
        return self._kinds[kind]

    def _write(self, record: Record, output: Output) -> Write | None:
        match output:
            case Message():
                return self._message(record, record.key, output)
            case Keyed(key, message):
                return self._message(record, key.encode(), message)
            case Forward():
                return _forwarded(record, output)
            case Failure():
                return self._failure(record, output, None)
            case Dropped():
                return None
            case _:
                raise TypeError(f"{self._worker.name} returned a {type(output).__name__}, which is no output")

    def _message(self, record: Record, key: bytes | None, message: Message) -> Write:
        if message.topic not in self._writable:
            raise TypeError(f"{self._worker.name} returned a {message.kind} but does not name it in `writes`")
        value = message.encode()
        if len(value) > self._max_value_bytes:
            raise Reject(
                reasons.TOO_LARGE,
                f"The {message.kind} has {len(value)} bytes; at most {self._max_value_bytes} fit a record.",
            )
        headers = passed_on(record) | described(type(message))
        return Write(message.topic, key, value, headers)

    def _failure(self, record: Record, failure: Failure, error: BaseException | None) -> Write:
        if self._routes_failures:
            return unroutable(record, failure.message)
        kind = self._kind(record)
        return failed(record, failure, error, worker=self._worker.name, version=self._version, kind=kind)

    def _kind(self, record: Record) -> dict[str, str]:
        """The headers that a record's topic implies, should its producer have left them out."""
        source = self._live.get(record.topic)
        return described(source) if isinstance(source, type) else {}

    def _changes(self, state: LaneState | None) -> Iterable[Write]:
        for change in state.changes() if state is not None else ():
            headers = {h.CONTENT_TYPE: "application/json", h.SCHEMA: "1"}
            yield Write(self._changelog, change.key.encode(), change.value, headers, change.timestamp_ms)


def described(kind: type[Message]) -> dict[str, str]:
    """The headers that tell what kind of value a record has."""
    return {h.CE_TYPE: kind.kind, h.CONTENT_TYPE: kind.content_type, h.SCHEMA: str(kind.version)}


def _forwarded(record: Record, forward: Forward) -> Write:
    """A record on its way to another topic, byte for byte."""
    otherwise = _forwarded(record, forward.otherwise) if forward.otherwise else None
    return Write(forward.topic, record.key, record.value, dict(forward.headers), otherwise=otherwise)


def _in_words(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an error that cannot tell of itself must not cost more than its record
        return type(error).__name__


def _listed(result: Result) -> list[Output]:
    if result is None:
        return []
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes, Mapping)):
        return list(result)
    return [cast("Output", result)]  # what is none is refused as what it is
