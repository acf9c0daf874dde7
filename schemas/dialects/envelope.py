"""What the ingress reads of a callback: whose it is. Notes are counted, not read.

One decode does it for all dialects. What does not fit its types is read again, field by field, to tell what is
wrong, or that nothing is that matters here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from schemas.dialects.decoding import decode, require_utf8, too_deep
from schemas.dialects.depth import is_too_deep
from schemas.dialects.dialect import Shape
from schemas.dialects.fields import read_fields
from schemas.dialects.registry import AUTO, choose
from schemas.dialects.task_id import one_id


class Envelope(NamedTuple):
    """Whose callback it is, and the name of the dialect that it is written in."""

    task_id: str
    dialect: str


class _Note(msgspec.Struct, frozen=True, gc=False):
    pass


class _Instrument(msgspec.Struct, frozen=True):
    notes: list[_Note] | None = None


class _Song(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    task_id: str | None = None
    task_id_camel: str | None = None
    instruments: list[_Instrument] | None = None


class _Outline(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    task_id: str | None = None
    task_id_camel: str | None = None
    code: int | msgspec.UnsetType = msgspec.UNSET
    success: bool | None = None
    data: _Song | list[_Song] | None = None


_outline_decoder = msgspec.json.Decoder(_Outline)
_NO_SONG: Final = _Song()


def read_envelope(body: bytes, vendor: str = AUTO) -> Envelope:
    """Whose callback a body is.

    Args:
        body: the bytes as they were received.
        vendor: the name of the dialect that it is written in; anything else lets its shape tell.

    Raises:
        NotJson: the body is not JSON in UTF-8, or nested deeper than 64.
        NotACallback: it is, but not an object with one task id of 1–200 printable characters and an integer as
            its code, where it has one.
    """
    require_utf8(body)
    try:
        outline = decode(_outline_decoder, body)
    except msgspec.ValidationError:
        return _read_by_fields(body, vendor)
    song, place = _song(outline)
    known = sum(2 + len(instrument.notes) for instrument in song.instruments or () if instrument.notes)
    if is_too_deep(body, known=known, layers=3):  # an instrument, its notes, a note
        raise too_deep()
    places = (
        ("task_id", outline.task_id),
        ("taskId", outline.task_id_camel),
        (f"{place}.task_id", song.task_id),
        (f"{place}.taskId", song.task_id_camel),
    )
    return Envelope(one_id(places), choose(vendor, _shape(outline)).name)


def _song(outline: _Outline) -> tuple[_Song, str]:
    match outline.data:
        case _Song() as song:
            return song, "data"
        case [song]:
            return song, "data[0]"
        case _:
            return _NO_SONG, "data"


def _shape(outline: _Outline) -> Shape:
    return Shape(
        id_at_top=outline.task_id is not None or outline.task_id_camel is not None,
        has_code=outline.code is not msgspec.UNSET,
        has_success=outline.success is not None,
        data_is_array=isinstance(outline.data, list),
    )


def _read_by_fields(body: bytes, vendor: str) -> Envelope:
    fields = read_fields(body)
    if is_too_deep(body):
        raise too_deep()
    task_id, _ = fields.task_id, fields.verdict
    return Envelope(task_id, choose(vendor, fields.shape).name)
