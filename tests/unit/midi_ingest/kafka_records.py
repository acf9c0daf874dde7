"""Records as aiokafka hands them over, for tests without a broker."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import ConsumerRecord

from schemas import headers as h

NOON_MS = 1_764_072_000_000
"""2025-11-25T12:00:00Z."""


def kafka_record(
    topic: str = "midi.dead-letter",
    *,
    partition: int = 3,
    offset: int = 1042,
    timestamp_ms: int = NOON_MS,
    key: bytes | None = b"task",
    value: bytes | None = b"{}",
    headers: Mapping[str, str] | None = None,
) -> ConsumerRecord[bytes, bytes]:
    """A record; what is not given does not matter."""
    wire = h.to_wire(headers or {})
    sizes = len(key or b""), len(value or b"")
    return ConsumerRecord(topic, partition, offset, timestamp_ms, 0, key, value, None, *sizes, wire)


def failure_headers(reason: str, worker: str = "normalize", **more: str) -> dict[str, str]:
    """The headers of a letter whose record failed at offset 17 of partition 3 of `midi.tasks`."""
    return {
        h.CE_ID: "receipt",
        h.CE_TYPE: "midi.task",
        h.TRACEPARENT: "00-1-2-01",
        h.TRACESTATE: "vendor=1",
        h.DIALECT: "sunoapi.org",
        h.ERROR_REASON: reason,
        h.ERROR_MESSAGE: "why",
        h.ERROR_WORKER: worker,
        h.ERROR_TOPIC: "midi.tasks",
        h.ERROR_PARTITION: "3",
        h.ERROR_OFFSET: "17",
        h.ERROR_ATTEMPTS: "4",
        **more,
    }
