"""Songs to measure with: as validated arrays, as a callback's body, and as the notes that every reader must find.

No note meets another of its pitch, and all is in range, so that whoever writes a song without any rules writes it
right as well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from workers.music.columns.received import Received
from workers.music.names import DRUMS, GENERAL_MIDI, Sound

NAMES: Final = ("Drums", "Electric Bass (finger)", "Acoustic Grand Piano", "Violin", "String Ensembles 1")
TASK_ID: Final = "5c79e9a2b1f04d33a1b2c3d4e5f6be8e"

_GRID: Final = 192
_TICKS_A_STEP: Final = 5
_SPACING_STEPS: Final = 24
_PITCHES: Final = 48

Floats = npt.NDArray[np.float64]
Heard = tuple[int, int, int, int]
"""A note as start, end, pitch and velocity in a file."""


class Part(NamedTuple):
    """An instrument in arrays: seconds, and velocities from 0 to 1."""

    name: str
    sound: Sound
    pitch: Floats
    start: Floats
    end: Floats
    velocity: Floats


@dataclass(frozen=True, slots=True)
class Song:
    """One song in three ways."""

    count: int
    parts: list[Part]
    """Views of ``columns``."""
    columns: Received
    body: bytes
    heard: list[list[Heard]]
    """The sorted notes of each part."""


def song(count: int) -> Song:
    """A song of so many notes, the same each time."""
    chance = random.Random(count)  # noqa: S311 - music, not secrets
    shares = [(count + place) // len(NAMES) for place in reversed(range(len(NAMES)))]
    rows = [[_note(chance, number) for number in range(share)] for share in shares]
    instruments = [
        {"name": name, "notes": [_sent(*row) for row in of_it]}
        for name, of_it in zip(NAMES, rows, strict=True)
    ]
    data = {"state": "complete", "instruments": instruments}
    body = orjson.dumps({"task_id": TASK_ID, "code": 200, "msg": "success", "data": data})
    columns = _columns(rows)
    heard = [sorted(_heard(*row) for row in of_it) for of_it in rows]
    return Song(count, _parts(columns), columns, body, heard)


def _note(chance: random.Random, number: int) -> tuple[int, int, int, float]:
    """Steps of the grid at which it starts and ends, pitch and velocity."""
    start = number * _SPACING_STEPS + chance.randrange(_SPACING_STEPS)
    return (
        start,
        start + chance.choice((12, 24, 36, 48)),
        36 + number * 7 % _PITCHES,
        round(chance.uniform(0.4, 1), 3),
    )


def _sent(start: int, end: int, pitch: int, velocity: float) -> dict[str, object]:
    return {"pitch": pitch, "start": _time(start), "end": _time(end), "velocity": velocity}


def _time(steps: int) -> float | str:
    """As senders write it: what has 16 digits or more, as a string."""
    text = repr(steps / _GRID)
    return text if len(text) > 16 else steps / _GRID


def _columns(rows: list[list[tuple[int, int, int, float]]]) -> Received:
    start, end, pitch, velocity = (np.array(column, np.float64) for column in zip(*chain(*rows), strict=True))
    return Received(list(NAMES), list(map(len, rows)), pitch, start / _GRID, end / _GRID, velocity)


def _parts(song: Received) -> list[Part]:
    bounds = pairwise(accumulate(song.sizes, initial=0))
    return [
        Part(name, GENERAL_MIDI.sound(name) or DRUMS, *(column[first:end] for column in song[2:]))
        for name, (first, end) in zip(NAMES, bounds, strict=True)
    ]


def _heard(start: int, end: int, pitch: int, velocity: float) -> Heard:
    return start * _TICKS_A_STEP, end * _TICKS_A_STEP, pitch, int(velocity * 127 + 0.5)
