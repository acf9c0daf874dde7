"""The normalised score: what was heard, in ticks, with channels and tracks already decided."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import msgspec

from schemas.message import Message, Topic

TICKS_PER_SECOND = 960


class Note(NamedTuple):
    """A note as ``[start, end, pitch, velocity]``; times in ticks, ``start < end``, velocity 1–127."""

    start: int
    end: int
    pitch: int
    velocity: int


class Warning(msgspec.Struct, frozen=True):  # noqa: A001 - the contract's word
    """A repair that was made: its code, how many times, and where first (``instruments[2].notes[17]``)."""

    code: str
    count: int
    first: str


class Instrument(msgspec.Struct, frozen=True):
    """One instrument in the order received.

    ``channel`` is 1–16, or null for an instrument without notes. ``track`` is the chunk's index in the file;
    instruments that share a track stand in one chunk. Notes are sorted by (start, pitch).
    """

    name: str
    program: int
    drums: bool
    channel: int | None
    track: int
    notes: list[Note]


class Score(Message, frozen=True, kw_only=True):
    """A task's score; ``duration`` is the last note's end, in ticks of 1/960 s."""

    topic: ClassVar = Topic("scores", cleanup="compact,delete")
    kind: ClassVar = "midi.score"

    task_id: str
    schema: int = 1
    duration: int
    warnings: list[Warning]
    instruments: list[Instrument]
