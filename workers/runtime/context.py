"""What a worker's function may take beside its message: what is known of the record, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeVar

import msgspec
from structlog.typing import FilteringBoundLogger

from telemetry.logs import logger
from workers.settings import WorkerSettings


class Context(msgspec.Struct, frozen=True):
    """What is known of the record in work.

    ``key`` is the task id, in all topics of midi-ingest's own that a task's results go through. ``value`` is the
    record's, byte for byte; ``headers`` are too, with what a foreign producer left out filled in. ``attempt`` counts
    from 1. ``redriven`` means that an operator sent it here again. ``settings`` are the process' settings.
    """

    key: str
    value: bytes
    headers: Mapping[str, str]
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempt: int
    redriven: bool
    settings: WorkerSettings
    worker: str

    @property
    def log(self) -> FilteringBoundLogger:
        """A logger whose lines say which record they are about; they never hold its value."""
        bound: FilteringBoundLogger = logger().bind(
            worker=self.worker,
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            task_id=self.key,
            attempt=self.attempt,
        )
        return bound


T = TypeVar("T", bound=msgspec.Struct)


class State(Protocol[T]):
    """What a worker remembers of the record's key; written with the record's outputs, or not at all."""

    def get(self) -> T | None:
        """What was put last within the window, if anything."""

    def put(self, value: T) -> None:
        """Remember this from now on."""


class States(Protocol[T]):
    """All that a lane remembers, for a timer: each key with its state, which may be changed."""

    def __iter__(self) -> Iterator[tuple[str, State[T]]]:
        """Each key that is remembered, with its state."""
