"""Settings of what a process tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field


def blank_is_unset(value: object) -> object:
    """None for a blank text: Compose and templates write one where there is nothing to set."""
    return None if isinstance(value, str) and not value.strip() else value


OptionalPath = Annotated[Path | None, BeforeValidator(blank_is_unset)]
"""The path of a file or directory, if there is one."""


class UnreadableFile(ValueError):
    """A file that a setting names cannot be read; the message names both, and quotes nothing of it."""


def text_in(path: Path, variable: str) -> str:
    """The text of a file that a setting names, which a Windows editor may have marked as UTF-8.

    Raises:
        UnreadableFile: it cannot be read, or is no text.
    """
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"{variable}: {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:  # it would quote the file
        raise UnreadableFile(f"{variable}: {path} is not text in UTF-8.") from None


class TelemetrySettings(BaseModel):
    """How loud the log is and in which shape; where a worker answers health checks."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log line that is written."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="`auto` writes for people on a terminal and JSON lines everywhere else."
    )
    health_port: Annotated[int | None, BeforeValidator(blank_is_unset)] = Field(
        default=None,
        ge=0,
        le=65535,
        description="Port on which a worker answers /healthz, /readyz and /metrics; unset: none.",
    )
    health_host: str = Field(default="127.0.0.1", description="Address that the health port binds to.")
