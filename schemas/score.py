"""The normalised score: what was heard, in ticks, with channels and tracks already decided."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec.structs import force_setattr

from schemas.message import Message, Topic

TICKS_PER_SECOND = 960

LAST_TICK = (1 << 28) - 1
"""77 hours: no gap before it is longer than a MIDI file can say (Standard MIDI Files 1.0)."""


class Note(NamedTuple):
    """A note as ``[start, end, pitch, velocity]``; times in ticks, ``start < end``, velocity 1–127."""

    start: Annotated[int, msgspec.Meta(ge=0, le=LAST_TICK)]
    end: Annotated[int, msgspec.Meta(ge=1, le=LAST_TICK)]
    pitch: Annotated[int, msgspec.Meta(ge=0, le=127)]
    velocity: Annotated[int, msgspec.Meta(ge=1, le=127)]


class NotesInArrays(Sequence[Note]):
    """Notes that are not held one by one, and that know how they are written."""

    @abstractmethod
    def json(self) -> bytes:
        """The notes in JSON, an array of arrays each."""

    @abstractmethod
    def pitch_range(self) -> tuple[int, int]:
        """The lowest and the highest pitch; there is a note at least."""


class Warning(msgspec.Struct, frozen=True):  # noqa: A001 - the contract's word
    """A repair that was made: its code, how many times, and where first (``instruments[2].notes[17]``)."""

    code: str
    count: int
    first: str


class Instrument(msgspec.Struct, frozen=True):
    """One instrument in the order received.

    ``channel`` is 1–16, or null where no notes came. ``track`` is the chunk's index in the file;
    instruments that share a track stand in one chunk. Notes are sorted by (start, pitch). ``note_count``, and the
    ``lowest`` and ``highest`` pitch, null without notes, are always those of ``notes``, whatever else is given.
    """

    name: str
    program: Annotated[int, msgspec.Meta(ge=0, le=127)]
    drums: bool
    channel: Annotated[int, msgspec.Meta(ge=1, le=16)] | None
    track: Annotated[int, msgspec.Meta(ge=1)]
    notes: Sequence[Note]
    note_count: Annotated[int, msgspec.Meta(ge=0)] = 0
    lowest: Annotated[int, msgspec.Meta(ge=0, le=127)] | None = None
    highest: Annotated[int, msgspec.Meta(ge=0, le=127)] | None = None

    def __post_init__(self) -> None:
        """Count the notes: so that no copy with other notes, and no older record, says what is not so."""
        lowest, highest = _pitch_range(self.notes) if self.notes else (None, None)
        force_setattr(self, "note_count", len(self.notes))
        force_setattr(self, "lowest", lowest)
        force_setattr(self, "highest", highest)


def _pitch_range(notes: Sequence[Note]) -> tuple[int, int]:
    if isinstance(notes, NotesInArrays):
        return notes.pitch_range()
    pitches = {note.pitch for note in notes}
    return min(pitches), max(pitches)


class Score(Message, topic=Topic("scores", cleanup="compact,delete"), kind="midi.score", kw_only=True):
    """A task's score; ``duration`` is the last note's end, in ticks of 1/960 s."""

    task_id: str
    schema: int = 1
    duration: Annotated[int, msgspec.Meta(ge=0)]
    warnings: list[Warning]
    instruments: list[Instrument]

    def encode(self) -> bytes:
        """The record's value; notes that are no list write themselves (see `NotesInArrays`)."""
        return _encoder.encode(self)


def _as_json(notes: object) -> msgspec.Raw:
    if isinstance(notes, NotesInArrays):
        return msgspec.Raw(notes.json())
    raise NotImplementedError(f"A {type(notes).__name__} is no part of a score.")


_encoder = msgspec.json.Encoder(enc_hook=_as_json)
