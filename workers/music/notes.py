"""Which notes stay, and which are dropped for what: the first rule that matches counts."""

from __future__ import annotations

from typing import Final

import msgspec

from workers.music.number import number
from workers.music.repairs import Code, Place, Repairs

MAX_SECONDS: Final = 24 * 60 * 60


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A note that stays, as sent: seconds, and a velocity on an unknown scale or none."""

    place: Place
    pitch: int
    start: float
    end: float
    velocity: float | None


def read_notes(notes: list[object], instrument: int, repairs: Repairs) -> list[Heard]:
    """The notes that stay of the instrument at this place."""
    stay = []
    for index, note in enumerate(notes):
        place = (instrument, index)
        heard = _read(note, place)
        if isinstance(heard, Heard):
            stay.append(heard)
        else:
            repairs.add(heard, place)
    return stay


def _read(note: object, place: Place) -> Heard | Code:
    if not isinstance(note, dict):
        return "not-an-object"
    pitch, start, end = number(note.get("pitch")), number(note.get("start")), number(note.get("end"))
    if pitch is None or start is None or end is None:
        return "not-a-number"
    fault = _pitch_fault(pitch) or _time_fault(start, end)
    if fault is not None:
        return fault
    velocity = number(note.get("velocity"))
    if velocity is not None and velocity <= 0:
        return "silent-note"
    return Heard(place, int(pitch), start, end, velocity)


def _pitch_fault(pitch: float) -> Code | None:
    if not pitch.is_integer():
        return "pitch-not-whole"
    if not 0 <= pitch <= 127:
        return "pitch-out-of-range"
    return None


def _time_fault(start: float, end: float) -> Code | None:
    if abs(start) > MAX_SECONDS or abs(end) > MAX_SECONDS:
        return "time-out-of-range"
    if end < start or end < 0 or (end == 0 and start < 0):
        return "negative-length"
    return None
