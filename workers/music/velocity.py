"""From a heard velocity to MIDI's: the scale that a callback is on, and the place of each note on it."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Final

from workers.music.notes import Heard
from workers.music.repairs import Repairs

VELOCITY_WHERE_MISSING: Final = 100
LOUDEST: Final = 127


def is_scale_127(velocities: Iterable[float | None]) -> bool:
    """Whether a callback is on the scale 0–127: one note above 2 says so for all of them; else it is 0–1."""
    return any(velocity is not None and velocity > 2 for velocity in velocities)


def velocity(note: Heard, scale_127: bool, repairs: Repairs) -> int:
    """A heard note's MIDI velocity, 1–127."""
    if note.velocity is None:
        repairs.add("velocity-missing", note.place)
        return VELOCITY_WHERE_MISSING
    if scale_127:
        repairs.add("velocity-scale-127", note.place)
        return floor(min(note.velocity, LOUDEST) + 0.5) or 1
    return floor(LOUDEST * min(note.velocity, 1.0) + 0.5) or 1
