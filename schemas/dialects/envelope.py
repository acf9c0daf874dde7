"""What the ingress reads of a callback: whose it is. Notes are counted, not read.

One decode does it for all dialects. What does not fit its types is read again, field by field, to tell what is
wrong, or that nothing is that matters here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from schemas.dialects.decoding import decode, require_countable, require_utf8, too_deep
from schemas.dialects.depth import is_too_deep
from schemas.dialects.dialect import Shape
from schemas.dialects.fields import read_fields
from schemas.dialects.registry import AUTO, choose
from schemas.dialects.task_id import one_id, places


class Envelope(NamedTuple):
    """Whose callback it is, and the name of the dialect that it is written in."""

    task_id: str
    dialect: str


# None of them can be part of a cycle, so the collector need not look at them: a body may hold very many.
class _Note(msgspec.Struct, frozen=True, gc=False):
    pass


class _Instrument(msgspec.Struct, frozen=True, gc=False):
    notes: list[_Note] | None = None


class _Song(msgspec.Struct, frozen=True, gc=False, rename={"task_id_camel": "taskId"}):
    task_id: str | None = None
    task_id_camel: str | None = None
    instruments: list[_Instrument] | None = None


class _Outline(msgspec.Struct, frozen=True, gc=False, rename={"task_id_camel": "taskId"}):
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
        NotJson: the body is not JSON in UTF-8, or nested deeper than 64, or has more than 262,144 arrays and
            objects.
        NotACallback: it is, but not an object with one task id of 1–200 printable characters and an integer as
            its code, where it has one.
    """
    require_utf8(body)
    require_countable(body)
    try:
        outline = decode(_outline_decoder, body)
    except msgspec.ValidationError:
        return _read_by_fields(body, vendor)
    song, is_array = _only_song(outline.data), isinstance(outline.data, list)
    notes = [len(instrument.notes) for instrument in song.instruments or () if instrument.notes]
    if is_too_deep(body, known=sum(notes) + 2 * len(notes), layers=3):  # an instrument, its notes, a note
        raise too_deep()
    at_top = outline.task_id is not None or outline.task_id_camel is not None
    shape = Shape(at_top, outline.code is not msgspec.UNSET, outline.success is not None, is_array)
    ids = (outline.task_id, outline.task_id_camel, song.task_id, song.task_id_camel)
    return Envelope(one_id(places("data[0]" if is_array else "data"), ids), choose(vendor, shape).name)


def _only_song(data: _Song | list[_Song] | None) -> _Song:
    if isinstance(data, _Song):
        return data
    return data[0] if data and len(data) == 1 else _NO_SONG


def _read_by_fields(body: bytes, vendor: str) -> Envelope:
    fields = read_fields(body)
    if is_too_deep(body):
        raise too_deep()
    task_id, _ = fields.task_id, fields.verdict
    return Envelope(task_id, choose(vendor, fields.shape).name)
