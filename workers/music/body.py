"""From a callback's body to the instruments in it, as received, whatever its dialect."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Final, NoReturn

import orjson

from schemas.dialects import AUTO, NotACallback, find_song
from workers.music.errors import InvalidPayload, TooLarge

MAX_INSTRUMENTS: Final = 1024

MAX_DEPTH: Final = 1024
"""How deep orjson reads."""


def read_instruments(body: bytes, dialect: str = AUTO) -> list[object]:
    """The instruments of a callback as received, none where they are null or absent.

    Args:
        body: the bytes as they were received.
        dialect: the header ``midi-dialect``; where it names no dialect, the body's shape tells.

    Raises:
        InvalidPayload: the body is not JSON (RFC 8259) in UTF-8, too deep, or not of the dialect's shape.
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
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _decode_tolerantly(body)


def _decode_tolerantly(body: bytes) -> object:
    """A body with a number that overflows a double, which orjson refuses: it becomes an infinity."""
    try:
        text = str(body, "utf-8")
        value = _decoder.decode(text)
    except RecursionError:
        raise InvalidPayload("The body is nested too deeply.") from None
    except ValueError as error:
        raise InvalidPayload(f"The body is not JSON: {error}.") from None
    if _depth(text) > MAX_DEPTH:
        raise InvalidPayload(f"The body is nested more than {MAX_DEPTH} deep.")
    if any(escape.lastgroup for escape in _ESCAPES.finditer(text)):
        raise InvalidPayload("The body is not JSON: a string escapes half of a surrogate pair.")
    return value


def _depth(text: str) -> int:
    """How deep a JSON text is nested: how deep `json` can read differs from one Python to the next."""
    brackets = _BRACKETS.findall(_STRINGS.sub("", text))
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


# An integer becomes a double as well: int() refuses more than 4,300 digits.
_decoder: Final = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)

# These read text that is JSON: on other text they may be slow or wrong.
_BRACKETS: Final = re.compile(r"[\[\]{}]")
_STRINGS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')

# The escapes in strings, left to right; `lone` is a surrogate without its other half.
_ESCAPES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)"
)
