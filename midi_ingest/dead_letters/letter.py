"""What is known of a dead letter without its value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from aiokafka import ConsumerRecord

from schemas import headers as h
from schemas import reasons
from schemas.dead_letter import letter_key_of

Status = Literal["open", "redriven", "purged", "resolved"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, small enough to hold very many.

    ``status_key`` is the key of its status. ``timestamp_ms`` is when it became a letter.
    """

    partition: int
    offset: int
    timestamp_ms: int
    task: str
    reason: str
    worker: str
    status_key: str
    size_bytes: int
    status: Status = "open"

    @property
    def id(self) -> str:
        """What people call it: where it lies in the dead-letter topic."""
        return f"{self.partition}:{self.offset}"

    @property
    def is_fault(self) -> bool:
        """Whether something of ours is to blame."""
        return self.reason in reasons.FAULTS


def letter_in(record: ConsumerRecord[bytes, bytes]) -> Letter:
    """The letter in a record of the dead-letter topic; it is open as far as the record can tell."""
    headers = h.from_wire(record.headers)
    return Letter(
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        task=(record.key or b"").decode("utf-8", "replace"),
        reason=headers.get(h.ERROR_REASON, ""),
        worker=headers.get(h.ERROR_WORKER, ""),
        status_key=letter_key_of(headers, record.topic, record.partition, record.offset),
        size_bytes=len(record.value or b""),
    )


def parse_id(text: str) -> tuple[int, int]:
    """The partition and the offset that a letter's id names.

    Raises:
        ValueError: it is none.
    """
    if not (match := re.fullmatch("([0-9]{1,4}):([0-9]{1,18})", text)):
        raise ValueError(
            f"{text!r} is no letter's id: expected partition:offset, as `midi-ingest dlq list --each` shows it"
        )
    return int(match[1]), int(match[2])
