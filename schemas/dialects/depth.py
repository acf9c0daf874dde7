"""How deep JSON is nested and how much it holds, told at the cost of a fraction of decoding it.

A body can be no deeper than it has brackets, wherever they stand; only where this does not settle it are strings
told from the rest.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

MAX_DEPTH: Final = 64
"""How many arrays and objects may lie within each other."""

MAX_CONTAINERS: Final = 2**18
"""How many arrays and objects there may be: 8 MiB hold no more notes, but ten times as many empty objects."""

_AS_ARRAYS: Final = bytes.maketrans(b"{}", b"[]")
_STEPS: Final = bytes.maketrans(b"[]", b"\x01\xff")
_ALL_BUT_BRACKETS_AND_QUOTES: Final = bytes(set(range(256)) - set(b'[]{}"'))


def has_too_many(body: bytes) -> bool:
    """Whether a text has more than `MAX_CONTAINERS` arrays and objects; what is not JSON gives no sensible answer.

    Decoding each costs far more than its two bytes do to send.
    """
    if len(body) <= 2 * MAX_CONTAINERS or _opens_at_most(body, MAX_CONTAINERS):
        return False
    return len(_brackets(body)) > 2 * MAX_CONTAINERS


def is_too_deep(body: bytes, *, known: int = 0, layers: int = 0) -> bool:
    """Whether JSON is nested deeper than `MAX_DEPTH`; what is not JSON gives no sensible answer.

    Args:
        body: a valid JSON text.
        known: how many of its arrays and objects the caller has met, in so many ``layers``: at most that many of
            them lie within each other.
        layers: see ``known``.
    """
    return not _opens_at_most(body, MAX_DEPTH - layers + known) and _depth(body) > MAX_DEPTH


def _opens_at_most(body: bytes, most: int) -> bool:
    """Whether a text has at most so many opening brackets, in strings or not.

    Finding and replacing a byte cost a third of counting it (Python 3.11).
    """
    arrays, at = 0, body.find(b"[")
    while at >= 0 and arrays < most:
        arrays, at = arrays + 1, body.find(b"[", at + 1)
    return at < 0 and b"{" not in body.replace(b"{", b" ", most - arrays)


def _depth(body: bytes) -> int:
    brackets = _brackets(body)
    rest = brackets.replace(b"[]", b"")  # a level everywhere, and most of what a song has
    steps = memoryview(rest.translate(_STEPS)).cast("b")
    return max(accumulate(steps), default=0) + bool(brackets)


def _brackets(body: bytes) -> bytes:
    """The brackets outside strings, all as those of arrays."""
    if b"\\" in body:
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    left = body.translate(_AS_ARRAYS, _ALL_BUT_BRACKETS_AND_QUOTES)
    if b'"' not in (left := left.replace(b'""', b"")):  # a string without brackets is two quotes side by side
        return left
    return b"".join(left.split(b'"')[::2])
