"""Decoding a body, or refusing it as no JSON in plain words."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from schemas.dialects.depth import MAX_CONTAINERS, MAX_DEPTH, has_too_many
from schemas.dialects.errors import NotJson

T = TypeVar("T")

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def require_utf8(body: bytes) -> None:
    """Refuse what is not UTF-8: msgspec does not look at the bytes inside values that it skips or leaves raw.

    Raises:
        NotJson: the body is not UTF-8.
    """
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8 at byte {error.start}.") from None


def require_countable(body: bytes) -> None:
    """Refuse what would take much time and memory to read, whatever stands in it.

    Raises:
        NotJson: the body has more than `MAX_CONTAINERS` arrays and objects.
    """
    if has_too_many(body):
        raise NotJson(f"The body has more than {MAX_CONTAINERS:,} arrays and objects.")


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """What the decoder makes of a body.

    Raises:
        NotJson: the body is not JSON.
        msgspec.ValidationError: it is, as far as it was read, but not of the shape that the decoder wants.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        raise NotJson(_in_plain_words(body, str(error))) from None
    except RecursionError:
        raise too_deep() from None


def too_deep() -> NotJson:
    """The refusal of a body that is nested too deeply."""
    return NotJson(f"The body is nested deeper than {MAX_DEPTH}.")


def _in_plain_words(body: bytes, problem: str) -> str:
    """What msgspec says is wrong, such as "JSON is malformed: invalid character (byte 7)"."""
    if not body.strip():
        return "The body is empty."
    if body.startswith(_BYTE_ORDER_MARK):
        return "The body is not JSON: it starts with a byte order mark."
    what, _, place = problem.removeprefix("JSON is malformed: ").rstrip(")").partition(" (byte ")
    if not place:  # only "Input data was truncated" has none
        return "The body is not JSON: it ends too early, or with half of a surrogate pair."
    return f"The body is not JSON: {what} at byte {place}."
