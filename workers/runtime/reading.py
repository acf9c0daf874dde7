"""From a record to what a worker's function takes: its message, its context."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas import headers as h
from schemas import reasons
from schemas.message import Message, Topic
from schemas.topics import NOW
from workers.runtime.api import Context, Raw, Reject, Source, Worker, topic_of
from workers.runtime.failures import attempts
from workers.runtime.record import Record
from workers.settings import WorkerSettings


class Reading:
    """Reads records for one worker."""

    def __init__(self, worker: Worker, settings: WorkerSettings) -> None:
        self._worker, self._settings = worker, settings
        layout = settings.layout
        self._live = {layout.name(topic_of(source)): source for source in worker.reads}
        self._kinds = {source.kind: source for source in worker.reads if not isinstance(source, Topic)}
        self._raw = next((source for source in worker.reads if isinstance(source, Topic)), None)
        self._now = {layout.name(topic) for topic in worker.retry_topics([NOW]).values()}
        for kind in self._kinds.values():
            kind.prepare()

    def key(self, record: Record) -> str:
        """The record's key as text.

        Raises:
            Reject: it is not UTF-8, or there is none and the worker reads only messages, which all have one.
        """
        if not record.key and self._raw is None:
            raise Reject(reasons.INVALID_PAYLOAD, "The record has no key.")
        try:
            return (record.key or b"").decode()
        except UnicodeDecodeError as error:
            raise Reject(reasons.INVALID_PAYLOAD, "The record's key is not UTF-8.") from error

    def any_key(self, record: Record) -> str:
        """The record's key as text, whatever it is."""
        return (record.key or b"").decode("utf-8", "replace")

    def message(self, record: Record) -> Message | Raw:
        """What the record carries.

        Raises:
            Reject: it is not what its topic should carry, or of a version that cannot be read.
        """
        source = self._source(record)
        value = record.value or b""
        if isinstance(source, Topic):
            return Raw(source, record.key, value, record.headers)
        _check_version(record, source)
        try:
            return source.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Reject(reasons.INVALID_PAYLOAD, f"This is no {source.kind}: {error}.") from error

    def context(self, record: Record, key: str, carried: Mapping[str, str]) -> Context:
        """What is known of the record, ``carried`` being the headers that are passed on from it."""
        return Context(
            key=key,
            value=record.value or b"",
            headers={**carried, **record.headers},
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            attempt=attempts(record.headers) + 1,
            redriven=record.topic in self._now,
            settings=self._settings,
            worker=self._worker.name,
        )

    def source(self, topic: str) -> Source | None:
        """What the worker reads in a topic, but for its retries."""
        return self._live.get(topic)

    def _source(self, record: Record) -> Source:
        """What a record carries: its topic says it, and for a record that comes again its kind."""
        if record.topic in self._live:
            return self._live[record.topic]
        if len(self._worker.reads) == 1:
            return self._worker.reads[0]
        kind = record.headers.get(h.CE_TYPE, "")
        source = self._kinds.get(kind) or self._raw
        if source is None:
            raise Reject(
                reasons.INVALID_PAYLOAD,
                f"The header {h.CE_TYPE} names nothing this worker reads: {kind!r:.100}.",
            )
        return source


def _check_version(record: Record, kind: type[Message]) -> None:
    """A version that is neither this one nor the one before is refused; one that is not told is taken for this one."""
    told = record.headers.get(h.SCHEMA, "")[:9]
    if told.isdecimal() and int(told) not in {kind.version, kind.version - 1}:
        raise Reject(
            reasons.UNSUPPORTED_VERSION,
            f"This is a {kind.kind} of version {told}; this worker reads {kind.version} and the one before. "
            "Where it is newer, update midi-ingest here and send the record again.",
        )
