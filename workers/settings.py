"""Settings of the workers."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from broker.settings import KafkaSettings
from telemetry.settings import OptionalPath, TelemetrySettings
from workers.files.place import bucket_in
from workers.music.aliases import read_aliases
from workers.music.names import Alias, Names

_UNITS: Final = {"s": 1, "m": 60, "h": 3600}


def delay_seconds(delay: str) -> int:
    """A delay such as `5s`, `1m` or `2h`, in seconds.

    Raises:
        ValueError: it is not written so.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,4}[smh]", str(delay)):
        raise ValueError("expected a delay such as 5s, 1m or 2h: a whole number and its unit")
    return int(delay[:-1]) * _UNITS[delay[-1]]


def _delays(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _known_delays(value: tuple[str, ...]) -> tuple[str, ...]:
    for delay in value:
        delay_seconds(delay)
    if len(set(value)) < len(value):
        raise ValueError("each delay names a topic of its own, so each may stand only once")
    return value


def _place(value: str) -> str:
    bucket_in(value)
    return value


def _aliases(value: object) -> object:
    return read_aliases(value) if isinstance(value, str) else value


def _known_apart(value: tuple[Alias, ...]) -> tuple[Alias, ...]:
    Names(value)
    return value


class WorkerSettings(KafkaSettings, TelemetrySettings):
    """What the workers may be told."""

    store: Annotated[str, AfterValidator(_place)] = Field(
        default="./data/store",
        description="Where the worker `store` keeps callbacks, scores and songs: a directory, s3://bucket/prefix, "
        "gs://bucket/prefix or az://container/prefix.",
    )
    store_secrets_file: OptionalPath = Field(
        default=None,
        description="File with an object store's AWS_…, GOOGLE_… or AZURE_… variables, each NAME=value on a line; "
        "they come before those of the environment.",
    )
    renderer: Literal["fast", "mido"] = Field(
        default="fast", description="What writes the MIDI files; both write the same notes."
    )
    instrument_aliases: Annotated[
        tuple[Alias, ...], NoDecode, BeforeValidator(_aliases), AfterValidator(_known_apart)
    ] = Field(
        default=(),
        description="Names of instruments of your own, by commas: each a name, = and a program, a known name or drums.",
    )
    dedup_window_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="How long a task is remembered, so that its repeats are dropped; senders keep data for 14.",
    )
    state_dir: OptionalPath = Field(
        default=None,
        description="Directory in which stateful workers keep what they remember; unset: in temporary files, filled "
        "from Kafka at each start. It must be on a disk of this machine; several processes may share it.",
    )
    retry_delays: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_delays), AfterValidator(_known_delays)
    ] = Field(
        default=("5s", "1m", "10m"),
        description="Waits before each new try of a failed record, by commas; then it is a dead letter.",
    )
    call_deadline_seconds: float = Field(
        default=60,
        ge=1,
        le=3600,
        description="How long a worker's function may take for one call before its process exits.",
    )
    stuck_seconds: float = Field(
        default=120,
        ge=5,
        le=3600,
        description="How long a lane may get nowhere, beyond the deadline of a call, before /healthz is 503.",
    )
    flood_failures: int = Field(
        default=100,
        ge=1,
        description="After so many unexpected errors in a row a worker pauses, and tries single records.",
    )
    worker_max_in_flight_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=16 * 1024 * 1024,
        description="How many bytes the records and results of all batches in work may take, 16 MiB for each.",
    )
    stop_timeout_seconds: float = Field(
        default=10,
        ge=0,
        le=300,
        description="How long a stopping worker gives the batches in work.",
    )

    @property
    def dedup_window(self) -> timedelta:
        """How long a task is remembered."""
        return timedelta(days=self.dedup_window_days)

    @cached_property
    def instrument_names(self) -> Names:
        """What instruments' names mean, the user's aliases first; made once a process."""
        return Names(self.instrument_aliases)

    @property
    def store_deadline_seconds(self) -> float:
        """How long an object store may take for one object: so long that no call ever is over its own deadline."""
        return self.call_deadline_seconds / 2
