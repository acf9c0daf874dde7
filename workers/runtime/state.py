"""A lane's state: what a worker remembers, by key, in memory and in a changelog topic.

Values expire by event time: the timestamp of the record that put them, against the newest one seen. The
changelog's records carry that timestamp, so that Kafka deletes them when they have expired.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec


class StateError(RuntimeError):
    """The changelog cannot be read; the message names the offset."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value that was put: what the changelog keeps."""

    key: str
    value: bytes
    timestamp_ms: int


class LaneState:
    """The committed values of one lane, with the changes of the batch in work laid over them."""

    def __init__(self, value_type: type[msgspec.Struct], window: timedelta) -> None:
        self._decoder = msgspec.json.Decoder(value_type)
        self._window_ms = int(window.total_seconds() * 1000)
        self._committed: dict[str, Change] = {}
        self._overlay: dict[str, Change] = {}
        self._newest_ms = 0

    def __len__(self) -> int:
        return len(self._committed)

    def of(self, key: str, timestamp_ms: int) -> KeyState:
        """What is remembered of a key at the time of a record."""
        return KeyState(self, key, timestamp_ms)

    def get(self, key: str, timestamp_ms: int) -> msgspec.Struct | None:
        """The value put last, unless it has expired by then."""
        change = self._overlay.get(key) or self._committed.get(key)
        if change is None or change.timestamp_ms + self._window_ms < timestamp_ms:
            return None
        value: msgspec.Struct = self._decoder.decode(change.value)
        return value

    def items(self, timestamp_ms: int) -> Iterator[tuple[str, msgspec.Struct]]:
        """Each key with its value that has not expired by then."""
        for key in list(self._committed | self._overlay):
            if (value := self.get(key, timestamp_ms)) is not None:
                yield key, value

    def put(self, change: Change) -> None:
        """Lay a change over the committed values."""
        self._overlay[change.key] = change

    def changes(self) -> Iterator[Change]:
        """The changes of the batch in work: one a key."""
        return iter(self._overlay.values())

    def commit(self) -> None:
        """The batch's transaction is committed: its changes are what is remembered now."""
        for change in self._overlay.values():
            self.restore(change)
        self._overlay.clear()

    def restore(self, change: Change) -> None:
        """Take over a committed change and forget what has expired by it."""
        self._committed.pop(change.key, None)  # so that the dict stays in the order of changes
        self._committed[change.key] = change
        self._newest_ms = max(self._newest_ms, change.timestamp_ms)
        for key in list(itertools.takewhile(self._expired, self._committed)):
            del self._committed[key]

    def _expired(self, key: str) -> bool:
        return self._committed[key].timestamp_ms + self._window_ms < self._newest_ms

    def restore_record(self, key: bytes | None, value: bytes | None, timestamp_ms: int, offset: int) -> None:
        """Take over a record of the changelog; one without a value forgets its key.

        Raises:
            StateError: it is none of ours.
        """
        try:
            if value is None:
                self._committed.pop((key or b"").decode(), None)
                return
            change = Change((key or b"").decode(), value, timestamp_ms)
            self._decoder.decode(change.value)
        except (UnicodeDecodeError, msgspec.DecodeError) as error:
            raise StateError(f"the changelog's record at offset {offset} cannot be read: {error}") from error
        self.restore(change)


class KeyState:
    """What a worker's function sees of the state: the record's own key, its change not yet laid over."""

    def __init__(self, lane: LaneState, key: str, timestamp_ms: int) -> None:
        self._lane, self._key, self._timestamp_ms = lane, key, timestamp_ms
        self._value: msgspec.Struct | None = None
        self._change: Change | None = None

    def get(self) -> msgspec.Struct | None:
        """What was put last within the window, if anything."""
        return self._lane.get(self._key, self._timestamp_ms) if self._value is None else self._value

    def put(self, value: msgspec.Struct) -> None:
        """Remember this once the record is handled."""
        self._value = value
        self._change = Change(self._key, msgspec.json.encode(value), self._timestamp_ms)

    def forget_change(self) -> None:
        """The record is to be handled anew: what was put meanwhile is void."""
        self._value = self._change = None

    def keep(self) -> None:
        """The record was handled: what was put is laid over the lane's state."""
        if self._change:
            self._lane.put(self._change)
