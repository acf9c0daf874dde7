"""What makes spans, in our words: those who are traced know no OpenTelemetry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Step(Protocol):
    """A span: one step of a callback's way."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The trace context that what follows from this step carries."""

    def end(self, *, error: str = "", status: int | None = None) -> None:
        """The step is over, by an error of this type if one is given; a request's has a status."""


class Tracer(Protocol):
    """Makes spans."""

    def receiving(self, method: str, route: str, headers: Mapping[str, str]) -> Step:
        """A request is answered; it may carry a trace context."""

    def processing(
        self, group: str, topic: str, partition: int, offset: int, headers: Mapping[str, str]
    ) -> Step | None:
        """A record is processed by a consumer group; None where its trace is not sampled, or it has none."""

    def close(self) -> None:
        """Send the spans that wait."""
