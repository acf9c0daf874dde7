"""Settings of what a process tells of itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field


def blank_is_unset(value: object) -> object:
    """None for a blank text: Compose and templates write one where there is nothing to set."""
    return None if isinstance(value, str) and not value.strip() else value


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
