"""What became of a dead letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from schemas import headers as h
from schemas.message import DAY_MS, Message, Topic


class DeadLetterStatus(
    Message,
    topic=Topic("dead-letter.status", retention_ms=90 * DAY_MS, cleanup="compact,delete"),
    kind="midi.dead-letter-status",
    kw_only=True,
):
    """A letter's fate, keyed by the position of the record that failed (`letter_key_of`); ``at`` is RFC 3339."""

    schema: int = 1
    status: Literal["redriven", "purged", "resolved"]
    at: str
    by: str


def letter_key(worker: str, topic: str, partition: int, offset: int) -> str:
    """The key of a letter's status: where the record stood that the worker failed on."""
    return f"{worker}/{topic}/{partition}/{offset}"


def letter_key_of(headers: Mapping[str, str], topic: str, partition: int, offset: int) -> str:
    """The key of a letter's status, by the letter's headers and where it lies itself.

    Where the headers do not tell where it failed, as those of a quarantined body, it is where the letter lies.
    """
    worker, failed_topic = headers.get(h.ERROR_WORKER, ""), headers.get(h.ERROR_TOPIC, "")
    at = headers.get(h.ERROR_PARTITION, ""), headers.get(h.ERROR_OFFSET, "")
    if failed_topic and all(re.fullmatch("[0-9]{1,19}", number) for number in at):
        return letter_key(worker, failed_topic, int(at[0]), int(at[1]))
    return letter_key(worker, topic, partition, offset)
