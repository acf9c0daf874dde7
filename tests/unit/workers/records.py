"""Records as a worker meets them, and one lane of a worker without Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas import headers as h
from schemas.callback import Callback
from schemas.message import Message, Topic
from workers.runtime.api import Worker
from workers.runtime.handle import Batch, Handler
from workers.runtime.record import Record, Write
from workers.runtime.state import LaneState
from workers.settings import WorkerSettings

DAY_MS = 24 * 60 * 60 * 1000
NOON_MS = 1_777_636_800_000
"""2026-05-01T12:00:00Z."""

RECEIPT = {
    h.CE_ID: "receipt-1",
    h.CE_TYPE: Callback.kind,
    h.CE_SOURCE: "/midi-ingest",
    h.CE_TIME: "2026-05-01T12:00:00.000000Z",
    h.CE_SPECVERSION: "1.0",
    h.CONTENT_TYPE: "application/json",
    h.SCHEMA: "1",
    h.DIALECT: "sunoapi.org",
    h.ORIGIN: "callback",
}
"""The headers that the ingress gives a callback."""


def record(
    value: bytes | None,
    *,
    key: str | bytes | None = "a1",
    topic: str = "midi.callbacks",
    offset: int = 0,
    timestamp_ms: int = NOON_MS,
    headers: Mapping[str, str] = RECEIPT,
) -> Record:
    """A record in partition 3."""
    encoded = key.encode() if isinstance(key, str) else key
    return Record(topic, 3, offset, timestamp_ms, encoded, value, dict(headers))


class Lane:
    """One lane of a worker, whose transactions always commit."""

    def __init__(self, worker: Worker, settings: WorkerSettings | None = None) -> None:
        settings = settings or WorkerSettings()
        self.handler = Handler(worker, settings, "1.2.3")
        self.state = LaneState(worker.state_type, settings.dedup_window) if worker.state_type else None

    def handle(self, *records: Record) -> Batch:
        """Handle records as one batch and commit it."""
        batch = self.handler.handle(records, self.state)
        if self.state is not None:
            self.state.commit()
        return batch


def to(topic: Topic | type[Message], writes: Sequence[Write]) -> list[Write]:
    """The records written to one topic."""
    wanted = topic if isinstance(topic, Topic) else topic.topic
    return [write for write in writes if write.topic == wanted]


def only(topic: Topic | type[Message], batch: Batch) -> Write:
    """The one record that a batch wrote to a topic."""
    (write,) = to(topic, batch.writes)
    return write
