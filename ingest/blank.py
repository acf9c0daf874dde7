"""Settings that may be blank: Compose and templates write a blank text where there is nothing to set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator


def blank_is_unset(value: object) -> object:
    """None for a blank text."""
    return None if isinstance(value, str) and not value.strip() else value


OptionalPath = Annotated[Path | None, BeforeValidator(blank_is_unset)]
"""The path of a file or directory, if there is one."""
