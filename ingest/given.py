"""What people give as settings: paths that may be left out, and words that are quoted back to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator

from telemetry.settings import blank_is_unset

QUOTED_CHARACTERS_MAX: Final = 40

OptionalPath = Annotated[Path | None, BeforeValidator(blank_is_unset)]
"""The path of a file or directory, if there is one."""


def quoted(word: str) -> str:
    """A word of a setting that holds no secret, as a message shows it."""
    shown = word if len(word) <= QUOTED_CHARACTERS_MAX else f"{word[:QUOTED_CHARACTERS_MAX]}…"
    return repr(shown)
