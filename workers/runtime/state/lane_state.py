"""A lane's state as a batch sees it: committed values, and the changes of the batch in work laid over them.

Values expire by event time: the timestamp of the record that put them, against the newest one seen. The
changelog's records carry that timestamp, so that Kafka deletes them when they have expired.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec

from workers.runtime.state.checkpoint import version_of
from workers.runtime.state.memory import MemoryStore
from workers.runtime.state.store import Change, Store


class LaneState:
    """The values of one lane; without a store, in memory."""

    def __init__(
        self, value_type: type[msgspec.Struct], window: timedelta, store: Store | None = None
    ) -> None:
        self.version = version_of(value_type)
        self._decoder = msgspec.json.Decoder(value_type)
        self._window_ms = int(window.total_seconds() * 1000)
        self._store = store if store is not None else MemoryStore(self._window_ms)
        self._overlay: dict[str, Change] = {}
        self._looked_up: dict[str, Change | None] = {}
        self._first_change_ms = 0

    def __len__(self) -> int:
        return len(self._store)

    @property
    def size_bytes(self) -> int:
        """What the committed values take on disk."""
        return self._store.size_bytes

    def of(self, key: str, timestamp_ms: int) -> KeyState:
        """What is remembered of a key at the time of a record."""
        return KeyState(self, key, timestamp_ms)

    def get(self, key: str, timestamp_ms: int) -> msgspec.Struct | None:
        """The value put last, unless it has expired by then.

        Raises:
            StoreError: the store cannot be read.
        """
        change = self._overlay.get(key)
        if change is None:
            change = self._looked_up[key] if key in self._looked_up else self._store.get(key)
        return self._value(change, timestamp_ms) if change else None

    def look_up(self, keys: Collection[str]) -> None:
        """A batch with these keys is next: what is committed of them is read at once.

        Raises:
            StoreError: the store cannot be read.
        """
        self._looked_up = dict.fromkeys(keys)
        self._looked_up.update(self._store.get_all(list(keys)))

    def items(self, timestamp_ms: int) -> Iterator[tuple[str, msgspec.Struct]]:
        """Each key with its value that has not expired by then.

        Raises:
            StoreError: the store cannot be read.
        """
        overlay = dict(self._overlay)
        committed = (change for change in self._store.items() if change.key not in overlay)
        for change in itertools.chain(committed, overlay.values()):
            if (value := self._value(change, timestamp_ms)) is not None:
                yield change.key, value

    @property
    def position(self) -> int | None:
        """The changelog's offset up to which the committed values are known to be complete."""
        return self._store.checkpoint.position if self._store.checkpoint else None

    @property
    def changed(self) -> bool:
        """Whether the batch in work has changed anything."""
        return bool(self._overlay)

    def put(self, change: Change) -> None:
        """Lay a change over the committed values."""
        if not self._overlay:
            self._first_change_ms = _now_ms()
        self._overlay[change.key] = change

    def value_of(self, value: msgspec.Struct) -> bytes:
        """A value as it is kept, read again: msgspec checks types only then.

        Raises:
            TypeError: it cannot be read again; the message names the class and the field.
        """
        try:
            encoded = msgspec.json.encode(value)
            self._decoder.decode(encoded)
        except Exception as error:
            raise TypeError(f"an unreadable {type(value).__name__}: {error}") from error
        return encoded

    def changes(self) -> Iterator[Change]:
        """The changes of the batch in work: one a key."""
        return iter(self._overlay.values())

    def commit(self, position: int | None = None) -> None:
        """The batch's transaction is committed: its changes are what is remembered now.

        Args:
            position: the changelog's offset behind the last of these changes, if it is known for certain, and that
                nobody else can have written in between.

        Raises:
            StoreError: the store cannot be written; it is complete up to where it says, all the same.
        """
        self._looked_up.clear()
        if not self._overlay:
            return
        checkpoint = self._store.checkpoint
        if checkpoint and position is not None:
            # Whatever comes behind this batch in the changelog, even another owner's, came after its transaction began.
            checkpoint = replace(checkpoint, position=position, as_of_ms=self._first_change_ms)
        self._store.apply(list(self._overlay.values()), checkpoint)
        self._overlay.clear()

    def restore(self, changes: Sequence[Change]) -> None:
        """Take over changes that were committed before."""
        self._store.apply(changes)

    def _value(self, change: Change, timestamp_ms: int) -> msgspec.Struct | None:
        if change.value is None or change.timestamp_ms + self._window_ms < timestamp_ms:
            return None
        value: msgspec.Struct = self._decoder.decode(change.value)
        return value


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
        """Remember this once the record is handled.

        Raises:
            TypeError: it could not be read again, which would stop the lane when it starts the next time.
        """
        self._change = Change(self._key, self._lane.value_of(value), self._timestamp_ms)
        self._value = value

    def forget_change(self) -> None:
        """The record is to be handled anew: what was put meanwhile is void."""
        self._value = self._change = None

    def keep(self) -> None:
        """The record was handled: what was put is laid over the lane's state."""
        if self._change:
            self._lane.put(self._change)


def _now_ms() -> int:
    return int(time.time() * 1000)
