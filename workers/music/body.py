"""From a callback's body to the instruments in it, as received, whatever its dialect."""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import orjson

from schemas.dialects import AUTO, MAX_DEPTH, NotACallback, find_song
from schemas.dialects.depth import is_too_deep
from workers.music.errors import InvalidPayload, TooLarge

MAX_INSTRUMENTS: Final = 1024


def read_instruments(body: bytes, dialect: str = AUTO) -> list[object]:
    """The instruments of a callback as received, none where they are null or absent.

    Args:
        body: the bytes as they were received.
        dialect: the header ``midi-dialect``; where it names no dialect, the body's shape tells.

    Raises:
        InvalidPayload: the body is not JSON (RFC 8259) in UTF-8, nested deeper than 64, or not of the dialect's shape.
        TooLarge: there are more than `MAX_INSTRUMENTS`.
    """
    callback = _decode(body)
    if not isinstance(callback, dict):
        raise InvalidPayload("The body is JSON, but no object.")
    try:
        instruments = find_song(callback, dialect).get("instruments")
    except NotACallback as error:
        raise InvalidPayload(str(error)) from None
    if instruments is None:
        return []
    if not isinstance(instruments, list):
        raise InvalidPayload("`data.instruments` is neither an array nor null.")
    if len(instruments) > MAX_INSTRUMENTS:
        raise TooLarge(f"`data.instruments` has {len(instruments)} elements, more than {MAX_INSTRUMENTS}.")
    return instruments


def _decode(body: bytes) -> object:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _decode_tolerantly(body)
    if is_too_deep(body):
        raise _too_deep()
    return value


def _decode_tolerantly(body: bytes) -> object:
    """A body with a number that overflows a double, which orjson refuses: it becomes an infinity."""
    try:
        text = str(body, "utf-8")
        value = _decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InvalidPayload(f"The body is not JSON: {error}.") from None
    for escape in _ESCAPES.finditer(text):
        if escape.lastgroup:
            at = escape.start()
            raise InvalidPayload(
                f"The body is not JSON: a string escapes half of a surrogate pair: char {at}."
            )
    return value


def _too_deep() -> InvalidPayload:
    return InvalidPayload(f"The body is nested deeper than {MAX_DEPTH}.")


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


# An integer becomes a double as well: int() refuses more than 4,300 digits.
_decoder: Final = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)

# The escapes in strings of JSON, left to right; `lone` is a surrogate without its other half.
_ESCAPES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)"
)
