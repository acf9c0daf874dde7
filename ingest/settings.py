"""Settings of the HTTP ingress."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from broker.settings import KafkaSettings
from telemetry.settings import TelemetrySettings

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
METRICS: Final = "/metrics"


def _not_taken(path: str) -> str:
    if path in {HEALTH, READY, METRICS}:
        raise ValueError(f"{path} is answered by the ingress itself: choose another path")
    return path


class IngressSettings(KafkaSettings, TelemetrySettings):
    """Where the ingress listens, and how long it waits for a sender and for Kafka."""

    host: str = Field(default="127.0.0.1", description="Address that the ingress binds to.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the ingress; 0 takes a free one.")
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$"), AfterValidator(_not_taken)] = (
        Field(default="/suno-midi-callback", description="Path that callbacks are posted to.")
    )
    body_timeout_seconds: float = Field(
        default=15,
        gt=0,
        le=300,
        description="Seconds that a callback's body may take to arrive; then it is refused with 408.",
    )
    publish_timeout_seconds: float = Field(
        default=3,
        gt=0,
        le=4.5,
        description="Seconds that Kafka may take to acknowledge a callback; then the answer is 503. "
        "Every answer is promised within 5 s.",
    )
    drain_timeout_seconds: float = Field(
        default=8,
        ge=0,
        le=300,
        description="Seconds that a stopping ingress gives the requests and records that are under way.",
    )
