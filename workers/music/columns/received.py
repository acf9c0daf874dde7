"""A song as received, in columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workers.music.typed_body import TypedInstrument

Floats = npt.NDArray[np.float64]


class Received(NamedTuple):
    """Of each instrument its name and how many notes it has; of all notes what they say, NaN being no number."""

    names: list[object]
    sizes: list[int]
    pitch: Floats
    start: Floats
    end: Floats
    velocity: Floats


def received(instruments: list[TypedInstrument]) -> Received:
    """The columns of a song."""
    notes = [note for instrument in instruments for note in instrument.notes]
    return Received(
        [instrument.name for instrument in instruments],
        [len(instrument.notes) for instrument in instruments],
        _column([note.pitch for note in notes]),
        _column([note.start for note in notes]),
        _column([note.end for note in notes]),
        _column([note.velocity for note in notes]),
    )


def _column(values: list[float | None]) -> Floats:
    column = np.array(values, np.float64)
    column[np.isinf(column)] = np.nan  # what strings such as "inf" became
    return column
