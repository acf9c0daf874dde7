"""A score as `normalize` writes it and `render` reads it: the notes of a long one come as columns, not one by one."""

from __future__ import annotations

from typing import Any, Final, Self

import msgspec

from schemas.score import Instrument, Score

COLUMNS_FROM_BYTES: Final = 5120
"""From so many on, which are 250 notes, columns are faster than an object for each (docs/decisions/0018)."""


class ScoreRecord(Score):
    """A `Score`, however it is held."""

    @classmethod
    def of(cls, score: Score) -> Self:
        """The same score."""
        return cls(**_fields(score))

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """The score in a record's value.

        Raises:
            msgspec.DecodeError: as `Score.decode`.
        """
        score = _by_columns(value) if len(value) >= COLUMNS_FROM_BYTES else None
        return super().decode(value) if score is None else cls(**score)


class _Instrument(Instrument, frozen=True):
    notes: msgspec.Raw  # type: ignore[assignment]  # left as it is

    def __post_init__(self) -> None:
        """Count nothing: notes that are not read are no sequence."""


class _Outline(Score):
    instruments: list[_Instrument]  # type: ignore[assignment]


# Built here, since two threads that build decoders at once crash the process (msgspec 0.22).
_decoder: Final = msgspec.json.Decoder(_Outline)


def _by_columns(value: bytes) -> dict[str, Any] | None:
    """The fields of a score; None where it is not as `normalize` writes it, or no score at all."""
    from workers.music.columns.notes import notes_in  # noqa: PLC0415 - only where there are so many

    try:
        outline = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    instruments = []
    for instrument in outline.instruments:
        if (notes := notes_in(bytes(instrument.notes))) is None:
            return None
        instruments.append(Instrument(**_fields(instrument) | {"notes": notes}))
    return _fields(outline) | {"instruments": instruments}


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    return {field: getattr(struct, field) for field in struct.__struct_fields__}
