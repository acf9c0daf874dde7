"""What people give as settings: blank where there is nothing to set, and words that are quoted back to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator

QUOTED_CHARACTERS_MAX: Final = 40


def blank_is_unset(value: object) -> object:
    """None for a blank text: Compose and templates write one where there is nothing to set."""
    return None if isinstance(value, str) and not value.strip() else value


OptionalPath = Annotated[Path | None, BeforeValidator(blank_is_unset)]
"""The path of a file or directory, if there is one."""


def quoted(word: str) -> str:
    """A word of a setting that holds no secret, as a message shows it."""
    shown = word if len(word) <= QUOTED_CHARACTERS_MAX else f"{word[:QUOTED_CHARACTERS_MAX]}…"
    return repr(shown)
