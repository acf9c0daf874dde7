"""What the ingress holds at once is bounded."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self

from telemetry import metrics


class Limit(StrEnum):
    """What there is only so much of, by its name in metrics; docs/operations.md tells which setting each is."""

    CONNECTIONS = "connections"
    HEADER_BYTES = "header-bytes"
    HEADER_SECONDS = "header-seconds"
    BODY_BYTES = "body-bytes"
    BODY_SECONDS = "body-seconds"
    TINY_CHUNKS = "tiny-chunks"
    ARRIVING_BYTES = "arriving-bytes"
    AHEAD_BYTES = "ahead-bytes"
    UNREAD_ANSWERS = "unread-answers"
    IN_FLIGHT = "in-flight"
    KAFKA_BYTES = "kafka-bytes"
    KAFKA_SECONDS = "kafka-seconds"
    KAFKA_RECORD_BYTES = "kafka-record-bytes"
    SPOOL_BYTES = "spool-bytes"
    SPOOL_SECONDS = "spool-seconds"
    SPOOL_FULL = "spool-full"
    SPOOL_FAILED = "spool-failed"
    QUARANTINE_BYTES = "quarantine-bytes"


def refused(limit: Limit) -> None:
    """Count a request or a connection that a limit refused, whether or not that is answered."""
    metrics.REFUSED.labels(limit.value).inc()


class Budget:
    """Bytes of bodies that are held at once: arriving, or waiting for Kafka or the disk."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.taken_bytes = 0

    def take(self, length_bytes: int) -> bool:
        """Whether so many bytes more may be held; if so they count until `give`. The first may be any number."""
        if self.taken_bytes and self.taken_bytes + length_bytes > self._limit_bytes:
            return False
        self.taken_bytes += length_bytes
        return True

    def overdraw(self, length_bytes: int) -> None:
        """Count so many bytes more, whatever the limit: others are just about to give theirs back."""
        self.taken_bytes += length_bytes

    def give(self, length_bytes: int) -> None:
        """Count so many bytes no longer."""
        self.taken_bytes -= length_bytes


class Budgets(NamedTuple):
    """The bytes that a process holds at once, by where they are: what is held up in one place takes no room in another.

    ``arriving`` are bodies that are not whole yet, ``ahead`` requests that came before those before them were
    answered. ``kafka`` are bodies that wait for Kafka. Those of them that it has had for so long that their senders
    were told otherwise count as ``late`` until it answers. ``spool`` are bodies that wait for the disk.
    """

    arriving: Budget
    ahead: Budget
    kafka: Budget
    late: Budget
    spool: Budget

    @classmethod
    def of(cls, max_bytes: int) -> Self:
        """What `max_in_flight_bytes` makes of them."""
        half, quarter = max_bytes // 2, max_bytes // 4
        return cls(Budget(half), Budget(half), Budget(half), Budget(quarter), Budget(quarter))
