"""Which notes stay, and which are dropped for what: the rules of `notes` on columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workers.music.columns.finds import Finds
from workers.music.columns.notes import Ints
from workers.music.columns.received import Floats, Received
from workers.music.notes import MAX_SECONDS
from workers.music.repairs import Code


class Heard(NamedTuple):
    """Notes that stay, as sent: of each its number and its instrument's, counted as received, and what it says."""

    number: Ints
    instrument: Ints
    pitch: Floats
    start: Floats
    end: Floats
    velocity: Floats


Mask = npt.NDArray[np.bool_]


def _is_no_number(notes: Heard) -> Mask:
    return np.isnan(notes.pitch) | np.isnan(notes.start) | np.isnan(notes.end)


def _is_beyond_a_day(notes: Heard) -> Mask:
    return (np.abs(notes.start) > MAX_SECONDS) | (np.abs(notes.end) > MAX_SECONDS)


def _ends_too_early(notes: Heard) -> Mask:
    return (notes.end < notes.start) | (notes.end < 0) | ((notes.end <= 0) & (notes.start < 0))


_FAULTS: Final[tuple[tuple[Code, Callable[[Heard], Mask]], ...]] = (
    ("not-a-number", _is_no_number),
    ("pitch-not-whole", lambda notes: notes.pitch != np.floor(notes.pitch)),
    ("pitch-out-of-range", lambda notes: (notes.pitch < 0) | (notes.pitch > 127)),
    ("time-out-of-range", _is_beyond_a_day),
    ("negative-length", _ends_too_early),
    ("silent-note", lambda notes: notes.velocity <= 0),
)
"""In their order: each is asked of those notes only that have none of the faults before."""


def _are_clean(notes: Heard) -> bool:
    """Whether a quick look tells that none has a fault, as of most songs; NaN is not within anything."""
    least, greatest = np.minimum.reduce, np.maximum.reduce
    return bool(
        len(notes.number)
        and least(notes.pitch) >= 0
        and greatest(notes.pitch) <= 127
        and least(notes.start) >= 0
        and greatest(notes.end) <= MAX_SECONDS
        and least(notes.velocity) > 0
        and (notes.start <= notes.end).all()
        and (notes.pitch == np.floor(notes.pitch)).all()
    )


def heard(song: Received, finds: Finds) -> Heard:
    """The notes that stay, in the order received."""
    sizes = song.sizes
    numbers = np.arange(sum(sizes), dtype=np.int32)
    instruments = np.repeat(np.arange(len(sizes), dtype=np.uint16), sizes)
    notes = Heard(numbers, instruments, song.pitch, song.start, song.end, song.velocity)
    if _are_clean(notes):
        return notes
    for code, has_fault in _FAULTS:
        faulty = has_fault(notes)
        if faulty.any():
            finds.add_notes(code, notes.number[faulty])
            notes = Heard._make(column[~faulty] for column in notes)
    return notes
