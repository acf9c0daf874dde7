"""What can be wrong with state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class StateError(RuntimeError):
    """The state cannot be had, and opening the lane again would not mend that; the message says what would."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of a changelog that is none of ours, and why."""

    topic: str
    partition: int
    offset: int
    key: bytes
    why: str

    @property
    def position(self) -> str:
        """Where it stands, as one word."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class UnreadableRecords(StateError):
    """Records of the changelog cannot be read; the message names the first, and what to do."""

    def __init__(self, worker: str, records: Sequence[Unreadable]) -> None:
        self.records = sorted(records, key=lambda record: record.offset)
        first, others = self.records[0], len(records) - 1
        super().__init__(
            f"The changelog's record {first.position}{f' and {others} more' if others else ''} cannot be read: "
            f"{first.why}. `midi-ingest state rebuild {worker}` shows what is in the way and how to have it forgotten."
        )


class StoreError(OSError):
    """The disk or the database under a store failed: the lane opens anew, and restores what it missed."""
