"""A callback's fields, read one by one: whatever stands in them, the error names the first that is wrong.

All values stay raw until they are asked for, so a song's notes are never decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.dialects.decoding import decode
from schemas.dialects.dialect import Shape, Verdict
from schemas.dialects.errors import NotACallback
from schemas.dialects.task_id import one_id, places

_ABSENT: Final = msgspec.Raw(b"")
_KINDS: Final = {
    b'"': "a string",
    b"{": "an object",
    b"[": "an array",
    b"t": "a boolean",
    b"f": "a boolean",
    b"n": "null",
}


class Top(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    """A callback's outside."""

    task_id: msgspec.Raw = _ABSENT
    task_id_camel: msgspec.Raw = _ABSENT
    code: msgspec.Raw = _ABSENT
    success: msgspec.Raw = _ABSENT
    state: msgspec.Raw = _ABSENT
    msg: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT


class Song(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    """The object in ``data``."""

    task_id: msgspec.Raw = _ABSENT
    task_id_camel: msgspec.Raw = _ABSENT
    state: msgspec.Raw = _ABSENT
    instruments: msgspec.Raw = _ABSENT


class _Error(msgspec.Struct, frozen=True):
    message: msgspec.Raw = _ABSENT


# Built here, since two threads that build decoders at once crash the process (msgspec 0.22).
_top_decoder = msgspec.json.Decoder(Top)
_song_decoder = msgspec.json.Decoder(Song)
_error_decoder = msgspec.json.Decoder(_Error)
_array_of_one_decoder = msgspec.json.Decoder(tuple[msgspec.Raw])
_raw_decoder = msgspec.json.Decoder(msgspec.Raw)
_text_decoder = msgspec.json.Decoder(str)
_integer_decoder = msgspec.json.Decoder(int)


@dataclass(frozen=True, slots=True)
class Fields:
    """A callback's fields; ``song`` is the object that ``place`` names: ``data``, or the one in its array."""

    top: Top
    song: Song | None
    place: str

    @property
    def task_id(self) -> str:
        """The task id.

        Raises:
            NotACallback: there is not exactly one, or it is no string of 1–200 printable characters.
        """
        song = self.song or Song()
        fields = places(self.place)
        values = (self.top.task_id, self.top.task_id_camel, song.task_id, song.task_id_camel)
        return one_id(fields, map(_text, values, fields))

    @property
    def verdict(self) -> Verdict:
        """What the callback says of itself.

        Raises:
            NotACallback: its code is no integer.
        """
        success = {b"true": True, b"false": False}.get(bytes(self.top.success))
        return Verdict(_integer(self.top.code, "code"), success)

    @property
    def shape(self) -> Shape:
        """What tells its dialect."""
        return Shape(
            id_at_top=is_given(self.top.task_id) or is_given(self.top.task_id_camel),
            has_code=is_given(self.top.code),
            has_success=is_given(self.top.success),
            data_is_array=starts_with(self.top.data, b"["),
        )

    @property
    def reason(self) -> str:
        """Why the task failed, in the sender's words; empty where it gave none."""
        error = _error_decoder.decode(self.top.error) if starts_with(self.top.error, b"{") else _Error()
        return word(self.top.msg) or word(error.message) or ""


def read_fields(body: bytes) -> Fields:
    """The fields of a callback in UTF-8.

    Raises:
        NotJson: the body is not JSON.
        NotACallback: it is no object.
    """
    try:
        top = decode(_top_decoder, body)
    except msgspec.ValidationError:
        decode(_raw_decoder, body)  # what is no object may be no JSON either
        raise NotACallback("body", f"Expected an object as the body, not {_kind(body.lstrip())}.") from None
    if starts_with(top.data, b"{"):
        return Fields(top, _song_decoder.decode(top.data), "data")
    if starts_with(top.data, b"[") and starts_with(element := _only_element(top.data), b"{"):
        return Fields(top, _song_decoder.decode(element), "data[0]")
    return Fields(top, None, "data")


def word(value: msgspec.Raw) -> str | None:
    """A value as text: None where it is null or absent, empty where it is no string."""
    if not is_given(value):
        return None
    return _text_decoder.decode(value) if starts_with(value, b'"') else ""


def is_given(value: msgspec.Raw) -> bool:
    """Whether a value is neither absent nor null."""
    return not starts_with(value, b"n") and value != _ABSENT


def starts_with(value: msgspec.Raw, byte: bytes) -> bool:
    """Whether a value's first byte, which tells its type, is this one."""
    return bytes(memoryview(value)[:1]) == byte  # comparing a view itself takes twice as long


def _only_element(array: msgspec.Raw) -> msgspec.Raw:
    """What stands alone in an array; of a longer one no second element is read."""
    try:
        [element] = _array_of_one_decoder.decode(array)
    except msgspec.ValidationError:
        return _ABSENT
    return element


def _text(value: msgspec.Raw, field: str) -> str | None:
    if not is_given(value):
        return None
    if not starts_with(value, b'"'):
        raise NotACallback(field, f"Expected a string at `{field}`, not {_kind(value)}.")
    return _text_decoder.decode(value)


def _integer(value: msgspec.Raw, field: str) -> int | None:
    if value == _ABSENT:
        return None
    try:
        return _integer_decoder.decode(value)
    except msgspec.ValidationError:
        kind = _kind(value).replace("a number", "another number")
    raise NotACallback(field, f"Expected an integer at `{field}`, not {kind}.")


def _kind(value: bytes | msgspec.Raw) -> str:
    return _KINDS.get(bytes(memoryview(value)[:1]), "a number")
