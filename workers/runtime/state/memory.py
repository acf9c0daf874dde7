"""A store in memory, for a state without Kafka: what it had is gone with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.store import Change


class MemoryStore:
    """Values in a dict, which keeps them in the order of their changes."""

    size_bytes = 0

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._values: dict[str, Change] = {}
        self.newest_ms = 0
        self.checkpoint: Checkpoint | None = None

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> Change | None:
        """The last change of a key."""
        return self._values.get(key)

    def get_all(self, keys: Sequence[str]) -> dict[str, Change]:
        """The last changes of those keys that have a value."""
        return {key: self._values[key] for key in keys if key in self._values}

    def items(self) -> Iterator[Change]:
        """All values, in the order of their changes."""
        return iter(list(self._values.values()))

    def apply(self, changes: Sequence[Change], checkpoint: Checkpoint | None = None) -> None:
        """Take over changes and delete what has expired."""
        for change in changes:
            self._values.pop(change.key, None)  # so that they stay in order
            if change.value is not None:
                self._values[change.key] = change
                self.newest_ms = max(self.newest_ms, change.timestamp_ms)
        for key in list(takewhile(self._is_expired, self._values)):
            del self._values[key]
        self.checkpoint = checkpoint or self.checkpoint

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.newest_ms, self.checkpoint = 0, None

    def close(self) -> None:
        """Nothing is held."""

    def _is_expired(self, key: str) -> bool:
        return self._values[key].timestamp_ms + self._window_ms < self.newest_ms
