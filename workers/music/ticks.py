"""From a heard note to ticks: the repairs of each note that stays."""

from __future__ import annotations

from math import floor
from typing import Final

import msgspec

from schemas.score import TICKS_PER_SECOND
from workers.music.notes import Heard
from workers.music.parts import Part
from workers.music.repairs import Place, Repairs
from workers.music.velocity import is_scale_127, velocity

GRID_STEP: Final = 5
"""The sender's grid of 1/192 s in ticks: the length of a note that has none."""


class Placed(msgspec.Struct, gc=False):
    """A note in ticks, with a velocity of 1–127; what it meets in its track may still change both."""

    place: Place
    pitch: int
    start: int
    end: int
    velocity: int


def place_notes(parts: list[Part], repairs: Repairs) -> list[list[Placed]]:
    """The notes of each part in ticks, on one velocity scale: 0–127 if any is above 2, else 0-1."""
    scale_127 = is_scale_127(note.velocity for part in parts for note in part.notes)
    return [[_place(note, scale_127, repairs) for note in part.notes] for part in parts]


def _place(note: Heard, scale_127: bool, repairs: Repairs) -> Placed:
    start = _ticks(note.start)
    end = _ticks(note.end)
    if note.start < 0:
        start = 0
        repairs.add("negative-start", note.place)
    if start == end:
        end += 1
        if note.start == note.end:
            end = start + GRID_STEP
            repairs.add("zero-length", note.place)
    return Placed(note.place, note.pitch, start, end, velocity(note, scale_127, repairs))


def _ticks(seconds: float) -> int:
    return floor(seconds * TICKS_PER_SECOND + 0.5)
