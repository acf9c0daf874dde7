"""Letters for tests."""

from __future__ import annotations

from dataclasses import replace

from midi_ingest.dead_letters.letter import Letter
from tests.unit.midi_ingest.kafka_records import NOON_MS

_LETTER = Letter(
    partition=0,
    offset=0,
    timestamp_ms=NOON_MS,
    task="task",
    reason="unexpected-error",
    worker="normalize",
    status_key="normalize/midi.tasks/0/0",
    size_bytes=10,
)


def letter(letter_id: str = "0:0", **changes: object) -> Letter:
    """A letter that lies there; what is not given does not matter."""
    partition, offset = map(int, letter_id.split(":"))
    return replace(_LETTER, partition=partition, offset=offset, **changes)  # type: ignore[arg-type]
