"""An instrument's notes as columns of numbers: a sequence of notes of which each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, overload

import numpy as np
import numpy.typing as npt
import orjson

from schemas.score import Note, NotesInArrays
from workers.music.tracks import LAST_TICK

Ints = npt.NDArray[np.int64]

_FIELDS: Final = len(Note._fields)
_SHAPE: Final = b"[,,,]"

# What `Score` takes, but for times that no file can have.
_LOWEST: Final = np.array([0, 1, 0, 1])
_HIGHEST: Final = np.array([LAST_TICK, LAST_TICK, 127, 127])


class Notes(NotesInArrays):
    """Notes whose ``columns`` are their starts, ends, pitches and velocities: an array of 4 rows."""

    __slots__ = ("columns",)
    __hash__ = None  # type: ignore[assignment]  # they equal lists

    def __init__(self, columns: Ints) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return int(self.columns.shape[1])

    def __iter__(self) -> Iterator[Note]:
        return map(Note, *self.columns.tolist())

    @overload
    def __getitem__(self, index: int) -> Note: ...
    @overload
    def __getitem__(self, index: slice) -> Notes: ...
    def __getitem__(self, index: int | slice) -> Note | Notes:
        chosen = self.columns[:, index]
        return Notes(chosen) if isinstance(index, slice) else Note(*chosen.tolist())

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Notes | list) else NotImplemented

    def __repr__(self) -> str:
        return f"Notes({list(self)!r})"

    def json(self) -> bytes:
        """The notes in JSON, without spaces."""
        return orjson.dumps(np.ascontiguousarray(self.columns.T), option=orjson.OPT_SERIALIZE_NUMPY)


def columns_of(notes: Sequence[Note]) -> Ints:
    """The columns of any notes.

    Raises:
        OverflowError: a number is beyond 64 bits.
    """
    if isinstance(notes, Notes):
        return notes.columns
    flat = np.fromiter(chain.from_iterable(notes), np.int64, _FIELDS * len(notes))
    return flat.reshape(-1, _FIELDS).T


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
    flat = np.fromstring(json.translate(None, b"[]"), np.int64, sep=",")
    columns = flat.reshape(-1, _FIELDS).T
    if count and not ((columns.min(axis=1) >= _LOWEST) & (columns.max(axis=1) <= _HIGHEST)).all():
        return None
    return Notes(columns)
