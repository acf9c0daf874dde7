"""What became of a dead letter."""

from __future__ import annotations

from typing import Literal

from schemas.message import DAY_MS, Message, Topic


class DeadLetterStatus(
    Message,
    topic=Topic("dead-letter.status", retention_ms=90 * DAY_MS, cleanup="compact,delete"),
    kind="midi.dead-letter-status",
    kw_only=True,
):
    """A letter's fate, keyed by the position of the record that failed; ``at`` is RFC 3339."""

    schema: int = 1
    status: Literal["redriven", "purged", "resolved"]
    at: str
    by: str


def letter_key(worker: str, topic: str, partition: int, offset: int) -> str:
    """The key of a letter's status: where the record stood that the worker failed on."""
    return f"{worker}/{topic}/{partition}/{offset}"
