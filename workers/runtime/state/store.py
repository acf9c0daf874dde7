"""What keeps the committed values of one lane: the interface, which every store meets in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from workers.runtime.state.checkpoint import Checkpoint


class Change(msgspec.Struct, frozen=True):
    """A value that was put, or None where the key was forgotten: what the changelog keeps."""

    key: str
    value: bytes | None
    timestamp_ms: int


class Store(Protocol):
    """Values by key, in the order of their last changes.

    A value expires when the newest timestamp seen is later than its own by more than the window. What has expired
    is deleted with later changes, but not before all that changed earlier; until then `get` still finds it.

    Raises:
        StoreError: whatever is called, when the disk or the database fails.
    """

    @property
    def newest_ms(self) -> int:
        """The newest timestamp of all changes that were ever applied; 0 before the first."""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Up to where the store is complete; None if it is not known to be."""

    @property
    def size_bytes(self) -> int:
        """What it takes on disk."""

    def __len__(self) -> int:
        """How many values it has."""

    def get(self, key: str) -> Change | None:
        """The last change of a key."""

    def get_all(self, keys: Sequence[str]) -> dict[str, Change]:
        """The last changes of those keys that have a value; much faster than one by one."""

    def items(self) -> Iterator[Change]:
        """All values, in the order of their changes; one that changes meanwhile may come twice."""

    def apply(self, changes: Sequence[Change], checkpoint: Checkpoint | None = None) -> None:
        """Take over changes, the checkpoint with them, and delete some of what has expired: all of it or nothing.

        Without a checkpoint the store keeps the one that it has: then it may hold more than that one says.
        """

    def clear(self) -> None:
        """Forget everything, the checkpoint too."""

    def close(self) -> None:
        """Let go of it; twice does no harm."""
