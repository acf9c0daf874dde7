"""From heard notes to ticks and MIDI velocities: the rules of `ticks` and `velocity` on columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from schemas.score import TICKS_PER_SECOND
from workers.music.columns.drops import Heard
from workers.music.columns.finds import Finds
from workers.music.columns.notes import Ints
from workers.music.columns.received import Floats
from workers.music.ticks import GRID_STEP
from workers.music.velocity import LOUDEST, VELOCITY_WHERE_MISSING


class Placed(NamedTuple):
    """Notes in ticks, with velocities of 1–127; ``number`` and ``instrument`` as in `Heard`."""

    number: Ints
    instrument: Ints
    pitch: Ints
    start: Ints
    end: Ints
    velocity: Ints


def placed(notes: Heard, finds: Finds) -> Placed:
    """The notes in ticks, in the order received, on one velocity scale."""
    early = np.flatnonzero(notes.start < 0)
    finds.add_notes("negative-start", notes.number[early])
    start = _rounded(notes.start * TICKS_PER_SECOND, np.int32)
    end = _rounded(notes.end * TICKS_PER_SECOND, np.int32)
    start[early] = 0
    short = np.flatnonzero(start == end)
    end[short] += 1
    empty = short[notes.start[short] == notes.end[short]]
    end[empty] = start[empty] + GRID_STEP
    finds.add_notes("zero-length", notes.number[empty])
    velocity = _velocities(notes, finds)
    return Placed(notes.number, notes.instrument, notes.pitch.astype(np.uint8), start, end, velocity)


def _velocities(notes: Heard, finds: Finds) -> Ints:
    missing = np.flatnonzero(np.isnan(notes.velocity))
    finds.add_notes("velocity-missing", notes.number[missing])
    if (notes.velocity > 2).any():
        finds.add_notes("velocity-scale-127", np.delete(notes.number, missing))
        scaled = np.minimum(notes.velocity, LOUDEST)
    else:
        scaled = LOUDEST * np.minimum(notes.velocity, 1.0)
    scaled[missing] = VELOCITY_WHERE_MISSING
    midi = _rounded(scaled, np.uint8)
    return np.maximum(midi, 1, out=midi)


def _rounded(numbers: Floats, kind: type[np.integer]) -> Ints:
    """The nearest integers; numbers that matter are not negative, so that it is enough to cut them off."""
    numbers += 0.5
    return numbers.astype(kind)
