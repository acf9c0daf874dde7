"""Settings of the HTTP ingress."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from broker.settings import KafkaSettings
from ingest.origin.settings import OriginSettings
from ingest.spool.settings import SpoolSettings
from schemas.dialects.registry import AUTO, DIALECTS
from telemetry.settings import OptionalPath, TelemetrySettings

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
METRICS: Final = "/metrics"


_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]*")


def _path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise ValueError(
            "expected a path such as /suno-midi-callback: first a slash, then only letters, digits, '.', '_', '~', "
            "'-' and slashes"
        )
    if {".", ".."} & set(path.split("/")):
        raise ValueError(
            "expected a path without . and .. between its slashes: clients resolve them, and miss it"
        )
    if path in {HEALTH, READY, METRICS}:
        raise ValueError(f"{path} is answered by the ingress itself: choose another path")
    return path


def _vendor(name: str) -> str:
    known = [AUTO, *(dialect.name for dialect in DIALECTS)]
    if name not in known:
        raise ValueError(f"expected {', '.join(known)}")
    return name


_PARAMETER: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def _parameters(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not all(map(_PARAMETER.fullmatch, names)):
        raise ValueError("expected names of query parameters, separated by commas")
    return names


class IngressSettings(OriginSettings, SpoolSettings, KafkaSettings, TelemetrySettings):
    """Where the ingress listens, what it takes in and how much of it at once, how long it waits."""

    host: str = Field(default="127.0.0.1", description="Address that the ingress binds to.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the ingress; 0 takes a free one.")
    path: Annotated[str, AfterValidator(_path)] = Field(
        default="/suno-midi-callback", description="Path that callbacks are posted to."
    )
    tls_certificate: OptionalPath = Field(
        default=None, description="File with the certificate chain in PEM; with it the ingress speaks HTTPS."
    )
    tls_key: OptionalPath = Field(default=None, description="File with the certificate's private key in PEM.")

    vendor: Annotated[str, AfterValidator(_vendor)] = Field(
        default=AUTO, description="Whose dialect callbacks are in; `auto` tells it from each one's shape."
    )
    any_content_type: bool = Field(
        default=False, description="Take JSON also where a callback's Content-Type says otherwise."
    )
    correlation_parameters: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parameters)] = Field(
        default=(),
        description="Query parameters of the callback URL that reach the outcome, separated by commas.",
    )
    correlation_max_characters: int = Field(
        default=512,
        ge=1,
        le=4096,
        description="Characters of each such parameter that go on: they travel in the headers of every record.",
    )
    quarantine_max_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=0,
        description="Bytes a day of verified bodies that are no callbacks and are kept as dead letters; several "
        "processes share them.",
    )

    max_connections: int = Field(default=8192, ge=1, description="Connections that may be open at once.")
    max_in_flight: int = Field(
        default=2000, ge=1, description="Callbacks that may wait at once until they are safe."
    )
    max_in_flight_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=1,
        description="Bytes of bodies that may be held at once: half arriving, half waiting for Kafka.",
    )
    max_header_bytes: int = Field(
        default=16 * 1024,
        ge=1024,
        le=1024 * 1024,
        description="Bytes that a request may have before its body; a line of it 8 KiB.",
    )
    max_unread_bytes: int = Field(
        default=64 * 1024,
        ge=1024,
        le=16 * 1024 * 1024,
        description="Bytes of its answers that a sender may leave unread; then it is heard no further.",
    )
    header_timeout_seconds: float = Field(
        default=15,
        gt=0,
        le=300,
        description="Seconds that a connection may take for its TLS handshake, and to send a request's headers, "
        "the first or a next one.",
    )
    unread_timeout_seconds: float = Field(
        default=15,
        gt=0,
        le=300,
        description="Seconds that a sender which is heard no further may take to read its answers.",
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
        le=3,
        description="Seconds that Kafka may take to acknowledge a callback; then it is spooled, or the answer "
        "is 503. Every answer is promised within 5 s.",
    )
    stop_delay_seconds: float = Field(
        default=0,
        ge=0,
        le=60,
        description="Seconds for which a stopping ingress still takes callbacks while /readyz is 503, so that "
        "load balancers turn to others first.",
    )
    drain_timeout_seconds: float = Field(
        default=8,
        ge=0,
        le=300,
        description="Seconds that a stopping ingress gives the requests and records that are under way.",
    )
