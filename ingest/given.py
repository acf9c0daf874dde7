"""Words of settings, as they are quoted back to people."""

from __future__ import annotations

from typing import Final

QUOTED_CHARACTERS_MAX: Final = 40


def quoted(word: str) -> str:
    """A word of a setting that holds no secret, as a message shows it."""
    shown = word if len(word) <= QUOTED_CHARACTERS_MAX else f"{word[:QUOTED_CHARACTERS_MAX]}…"
    return repr(shown)
