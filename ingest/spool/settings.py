"""Settings of the spool."""

from __future__ import annotations

from pydantic import BaseModel, Field

from telemetry.settings import OptionalPath


class SpoolSettings(BaseModel):
    """Where callbacks wait while Kafka does not take them, and how many bytes of them."""

    spool_dir: OptionalPath = Field(
        default=None,
        description="Directory in which callbacks wait while Kafka does not take them; unset: they are answered "
        "503. It must be on a disk of this machine; several processes may share it.",
    )
    spool_max_bytes: int = Field(
        default=1024 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes that the spool may hold; then callbacks are answered 503.",
    )
    spool_timeout_seconds: float = Field(
        default=1.5,
        gt=0,
        le=1.5,
        description="Seconds that the spool's disk may take for a callback; then the answer is 503. With Kafka's 3, "
        "every answer is there within 5 s.",
    )
