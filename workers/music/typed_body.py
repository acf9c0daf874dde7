"""From a callback's body to its instruments, where all of it is as documented: one typed decode (msgspec).

Numbers in strings are read on the way. What is read is the same as `body` and `number` read, but for strings such as
"inf", which become what they say; what is refused, be it for one odd note, is for them to read. So is a null in place
of a list: not being strict, msgspec would take the string "null" for one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.dialects.decoding import require_utf8
from schemas.dialects.depth import is_too_deep
from schemas.dialects.dialect import Shape
from schemas.dialects.errors import NotJson
from schemas.dialects.registry import choose
from workers.music.body import MAX_INSTRUMENTS


# None of them can be part of a cycle, so the collector need not look at them: a body holds very many.
class TypedNote(msgspec.Struct, frozen=True, gc=False):
    """A note as received; what is absent or null is None."""

    pitch: float | None = None
    start: float | None = None
    end: float | None = None
    velocity: float | None = None


class TypedInstrument(msgspec.Struct, frozen=True, gc=False):
    """An instrument as received."""

    name: object = None
    notes: list[TypedNote] = []


class _Song(msgspec.Struct, frozen=True, gc=False):
    instruments: list[TypedInstrument] = []


class _Callback(msgspec.Struct, frozen=True, gc=False, rename={"task_id_camel": "taskId"}):
    task_id: object = None
    task_id_camel: object = None
    code: object = None
    success: object = None
    data: _Song | list[_Song] | None = None


# Built here, since two threads that build decoders at once crash the process (msgspec 0.22). Not being strict is what
# makes it read numbers in strings.
_decoder: Final = msgspec.json.Decoder(_Callback, strict=False)


def read_typed(body: bytes, dialect: str) -> list[TypedInstrument] | None:
    """The instruments of a callback, or None where it is not as documented in every respect."""
    try:
        require_utf8(body)  # msgspec does not look into what it skips
        callback = _decoder.decode(body)
    except (msgspec.DecodeError, NotJson, RecursionError):
        return None
    song = choose(dialect, _shape(callback)).song(callback.data)
    if not isinstance(song, _Song):
        return None
    instruments = song.instruments
    sizes = [len(instrument.notes) for instrument in instruments if instrument.notes]
    known = sum(sizes) + 2 * len(sizes)
    # An instrument, its notes, a note: these three layers are known.
    return (
        None
        if len(instruments) > MAX_INSTRUMENTS or is_too_deep(body, known=known, layers=3)
        else instruments
    )


def _shape(callback: _Callback) -> Shape:
    return Shape(
        id_at_top=callback.task_id is not None or callback.task_id_camel is not None,
        has_code=callback.code is not None,
        has_success=callback.success is not None,
        data_is_array=isinstance(callback.data, list),
    )
