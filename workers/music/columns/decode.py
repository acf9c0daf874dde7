"""From a callback's body to columns, where all of it is as documented: one typed decode (msgspec).

Numbers in strings are read as it decodes. It reads nothing that `number` would read otherwise; what it refuses, be it
one odd note, is for `body` to read.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.dialects.decoding import require_utf8
from schemas.dialects.depth import is_too_deep
from schemas.dialects.dialect import Shape
from schemas.dialects.errors import NotJson
from schemas.dialects.registry import choose
from workers.music.body import MAX_INSTRUMENTS

Floats = npt.NDArray[np.float64]


class Columns(NamedTuple):
    """A song as received: of each instrument its name and how many notes it has, of all notes their numbers.

    What is no number is NaN.
    """

    names: list[object]
    sizes: list[int]
    pitch: Floats
    start: Floats
    end: Floats
    velocity: Floats


# None of them can be part of a cycle, so the collector need not look at them: a body holds very many.
class _Note(msgspec.Struct, frozen=True, gc=False):
    pitch: float | None = None
    start: float | None = None
    end: float | None = None
    velocity: float | None = None


class _Instrument(msgspec.Struct, frozen=True, gc=False):
    name: object = None
    notes: list[_Note] | None = None


class _Song(msgspec.Struct, frozen=True, gc=False):
    instruments: list[_Instrument] | None = None


class _Callback(msgspec.Struct, frozen=True, gc=False, rename={"task_id_camel": "taskId"}):
    task_id: object = None
    task_id_camel: object = None
    code: object = None
    success: object = None
    data: _Song | list[_Song] | None = None


_decoder: Final = msgspec.json.Decoder(_Callback, strict=False)


def decode(body: bytes, dialect: str) -> Columns | None:
    """The columns of a callback, or None where it is not as documented in every respect."""
    instruments = _instruments(body, dialect)
    if instruments is None or len(instruments) > MAX_INSTRUMENTS:
        return None
    notes = [instrument.notes or [] for instrument in instruments]
    sizes = [len(each) for each in notes]
    if is_too_deep(
        body, known=sum(sizes) + 2 * sum(map(bool, sizes)), layers=3
    ):  # an instrument, its notes, a note
        return None
    return Columns(
        [instrument.name for instrument in instruments],
        sizes,
        _column([note.pitch for each in notes for note in each]),
        _column([note.start for each in notes for note in each]),
        _column([note.end for each in notes for note in each]),
        _column([note.velocity for each in notes for note in each]),
    )


def _instruments(body: bytes, dialect: str) -> list[_Instrument] | None:
    try:
        require_utf8(body)  # msgspec does not look into what it skips
        callback = _decoder.decode(body)
    except (msgspec.DecodeError, NotJson, RecursionError):
        return None
    song = choose(dialect, _shape(callback)).song(callback.data)
    return song.instruments or [] if isinstance(song, _Song) else None


def _shape(callback: _Callback) -> Shape:
    return Shape(
        id_at_top=callback.task_id is not None or callback.task_id_camel is not None,
        has_code=callback.code is not None,
        has_success=callback.success is not None,
        data_is_array=isinstance(callback.data, list),
    )


def _column(values: list[float | None]) -> Floats:
    column = np.array(values, np.float64)
    column[np.isinf(column)] = np.nan  # msgspec takes "inf" for a number
    return column
