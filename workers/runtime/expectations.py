"""What users give us where we expect something: told by what it is, never by its value, which may be confidential."""

from __future__ import annotations

from typing import Final

_VOWELS: Final = tuple("AEIOUaeiou")


def expect(what: str, value: object, kind: type | tuple[type, ...], in_words: str) -> None:
    """Make sure that something is of a kind.

    Raises:
        TypeError: it is not; the message says what is expected and what it is.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{what}: expected {in_words}, not {kind_of(value)}")


def kind_of(value: object) -> str:
    """What something is."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    name = type(value).__name__
    return f"{'an' if name.startswith(_VOWELS) else 'a'} {name}"
