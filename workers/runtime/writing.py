"""From what a worker's function returns to records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from msgspec.structs import replace

from broker.partitioner import partition
from schemas import headers as h
from schemas import reasons
from schemas.message import Message, Topic
from schemas.topics import changelog
from workers.runtime.api import Raw, Reject, Worker, topic_of
from workers.runtime.record import Write
from workers.runtime.state import LaneState
from workers.settings import WorkerSettings

HEADROOM_BYTES: Final = 128 * 1024
"""What a value leaves free in a record: for its key, its headers, and error headers should it fail later."""

_FRAME_BYTES: Final = 1024
"""What Kafka puts around a record."""


class Writing:
    """Makes the records that one worker writes."""

    def __init__(self, worker: Worker, settings: WorkerSettings) -> None:
        self._worker, self._layout = worker, settings.layout
        self._writable = frozenset(map(topic_of, worker.writes))
        self._changelog = changelog(worker.name, settings.dedup_window)
        for target in worker.writes:
            if not isinstance(target, Topic):
                target.prepare()

    def message(self, key: bytes | None, message: Message, headers: Mapping[str, str]) -> Write:
        """A message with the headers that are passed on to it.

        Raises:
            TypeError: the worker does not say that it writes it, or it could not be read again.
            Reject: it is too large for a record.
        """
        kind = type(message)
        self._check_writes(getattr(kind, "topic", None), kind.__name__)
        value = self._value(message)
        self._check_size(kind.topic, kind.kind, key, value, headers)
        return Write(kind.topic, key, value, {**headers, **described(kind)})

    def keyed(self, key: str, message: Message, headers: Mapping[str, str]) -> Write:
        """A message in the partition of its own key.

        Raises:
            TypeError, Reject: see `message`.
        """
        return self._in_partition_of_its_key(self.message(key.encode(), message, headers))

    def raw(self, raw: Raw, of: bytes | None = None) -> Write:
        """A record as it is; under the key ``of`` the record in work it stays in that one's partition.

        Raises:
            TypeError: neither the worker says that it writes there, nor the output what takes its place.
            Reject: it is too large for a record.
        """
        if raw.otherwise is None:
            self._check_writes(raw.topic, f"a record for the topic {raw.topic.name}")
        self._check_size(raw.topic, "record", raw.key, raw.value, raw.headers)
        otherwise = self.raw(raw.otherwise, of) if raw.otherwise else None
        write = Write(raw.topic, raw.key, raw.value, dict(raw.headers), otherwise=otherwise)
        return write if raw.key in {of, None} else self._in_partition_of_its_key(write)

    def changes(self, state: LaneState | None) -> Iterator[Write]:
        """What changed in a state, for the changelog."""
        if state is None:
            return
        headers = {h.CONTENT_TYPE: "application/json", h.SCHEMA: str(state.version)}
        for change in state.changes():
            yield Write(self._changelog, change.key.encode(), change.value, headers, change.timestamp_ms)

    def _value(self, message: Message) -> bytes:
        try:
            return value_of(message)
        except TypeError as error:
            raise TypeError(f"{self._worker.name} returned {error}") from error.__cause__

    def _in_partition_of_its_key(self, write: Write) -> Write:
        return replace(write, partition=partition(write.key or b"", self._layout.partitions))

    def _check_writes(self, topic: Topic | None, what: str) -> None:
        if topic not in self._writable:
            raise TypeError(f"{self._worker.name} returned {what} but does not name it in `writes`")

    def _check_size(
        self, topic: Topic, what: str, key: bytes | None, value: bytes, headers: Mapping[str, str]
    ) -> None:
        room = self._layout.max_record_bytes + topic.headroom_bytes
        if len(value) > room - HEADROOM_BYTES:
            raise Reject(
                reasons.TOO_LARGE,
                f"The {what} has {len(value)} bytes; at most {room - HEADROOM_BYTES} fit a record.",
            )
        around = len(key or b"") + h.most_bytes(headers)
        if len(value) + around > room - _FRAME_BYTES:
            raise Reject(
                reasons.TOO_LARGE, f"With {around} bytes of key and headers, the {what} fits no record."
            )


def value_of(message: Message) -> bytes:
    """A message's value, read again: msgspec checks types only then, and a reader of the topic would be the first to.

    That costs 0.3 µs for a small message; for a score of 10,000 notes 1.6 ms, where to make it takes 5 ms.

    Raises:
        TypeError: its own class cannot read it; the message names the class and the field.
    """
    kind = type(message)
    try:
        value = message.encode()
        kind.decode(value)
    except Exception as error:
        raise TypeError(f"an unreadable {kind.__name__}: {error}") from error
    if not isinstance(value, bytes):
        raise TypeError(f"an unreadable {kind.__name__}: encoded as `{type(value).__name__}`, not as `bytes`")
    return value


@cache
def described(kind: type[Message]) -> Mapping[str, str]:
    """The headers that tell what kind of value a record has."""
    return {h.CE_TYPE: kind.kind, h.CONTENT_TYPE: kind.content_type, h.SCHEMA: str(kind.version)}
