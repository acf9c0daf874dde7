"""An instrument's notes as columns of numbers: a sequence of notes of which each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, overload

import numpy as np
import numpy.typing as npt
import orjson

from schemas.score import Note, NotesInArrays

Ints = npt.NDArray[np.int64]

_FIELDS: Final = len(Note._fields)


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
        """The notes in JSON."""
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
