"""An instrument's notes as columns of numbers: a sequence of notes of which each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt
import orjson

from schemas.score import LAST_TICK, Note, NotesInArrays

Ints = npt.NDArray[np.integer]
"""Of any size: columns are of the smallest that their numbers fit in, since most of the time goes to memory."""

_FIELDS: Final = len(Note._fields)
_SHAPE: Final = b"[,,,]"


class Columns(NamedTuple):
    """Numbers of the same notes, in arrays of one length."""

    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


class Notes(NotesInArrays):
    """Notes that are held in columns."""

    __slots__ = ("columns",)
    __hash__ = None  # type: ignore[assignment]  # they equal lists

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns.start)

    def __iter__(self) -> Iterator[Note]:
        return map(Note, *(column.tolist() for column in self.columns))

    @overload
    def __getitem__(self, index: int) -> Note: ...
    @overload
    def __getitem__(self, index: slice) -> Notes: ...
    def __getitem__(self, index: int | slice) -> Note | Notes:
        chosen = [column[index] for column in self.columns]
        return Notes(Columns(*chosen)) if isinstance(index, slice) else Note(*map(int, chosen))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Notes | list) else NotImplemented

    def __repr__(self) -> str:
        return f"Notes({list(self)!r})"

    def json(self) -> bytes:
        """The notes in JSON, without spaces."""
        return orjson.dumps(np.stack(self.columns, axis=1), option=orjson.OPT_SERIALIZE_NUMPY)

    def pitch_range(self) -> tuple[int, int]:
        """The lowest and the highest pitch; there is a note at least."""
        pitch = self.columns.pitch
        return int(np.minimum.reduce(pitch)), int(np.maximum.reduce(pitch))


def columns_of(notes: Sequence[Note]) -> Columns:
    """The columns of any notes.

    Raises:
        OverflowError: a number is beyond 64 bits.
    """
    if isinstance(notes, Notes):
        return notes.columns
    return _columns(np.fromiter(chain.from_iterable(notes), np.int64, _FIELDS * len(notes)))


def _columns(flat: Ints) -> Columns:
    """The columns of notes of which one number follows on another."""
    return Columns(*flat.reshape(-1, _FIELDS).T)


def notes_in(json: bytes) -> Notes | None:
    """The notes that `Notes.json` wrote; None where JSON is written otherwise, or where it is no notes of a score.

    Args:
        json: any valid JSON text.
    """
    shape = json.translate(None, b"0123456789")
    count = len(shape) // len(_SHAPE + b",")
    if shape != b"[" + b",".join([_SHAPE] * count) + b"]":
        return None
    # All numbers are there, since the text is valid; one beyond 64 bits is read as the largest of them.
    columns = _columns(np.fromstring(json.translate(None, b"[]"), np.int64, sep=","))
    return Notes(columns) if not count or _are_in_range(columns) else None


def _are_in_range(columns: Columns) -> bool:
    """Whether these are numbers that `Score` takes; none is negative."""
    lowest_end, lowest_velocity = columns.end.min(), columns.velocity.min()
    latest = max(columns.start.max(), columns.end.max())
    loudest = max(columns.pitch.max(), columns.velocity.max())
    return bool(lowest_end >= 1 and lowest_velocity >= 1 and latest <= LAST_TICK and loudest <= 127)
