"""All topics: their names, how long Kafka keeps them, and the configuration they are created with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus
from schemas.file import MidiFile
from schemas.message import DAY_MS, Message, Topic
from schemas.outcome import Outcome
from schemas.score import Score

FAILURE_HEADROOM_BYTES: Final = 1024 * 1024
"""What a record grows by at most when it fails: whatever fits its own topic must fit those of failures too."""

FAILURES: Final = Topic("failures", retention_ms=7 * DAY_MS, headroom_bytes=FAILURE_HEADROOM_BYTES)
DEAD_LETTER: Final = Topic("dead-letter", retention_ms=90 * DAY_MS, headroom_bytes=FAILURE_HEADROOM_BYTES)

MESSAGES: Final[tuple[type[Message], ...]] = (Callback, Task, Score, MidiFile, Outcome, DeadLetterStatus)

RECORD_OVERHEAD_BYTES: Final = 1024 * 1024
"""What a record may be larger than the largest body: its key, its headers, and what a worker adds."""

WORKER_NAME: Final = re.compile("[a-z0-9-]{1,100}")
"""What a worker may be called: the names of its topics begin with it, and stay short enough for Kafka."""

RETRY: Final = "retry."
"""Begins the names of all topics in which records wait for another try."""

NOW: Final = "now"
"""The retry delay that carries only redrives and replays."""


def retry(worker: str, delay: str) -> Topic:
    """The topic in which a worker's records wait for one delay: its head is always due first."""
    name = retries_of(worker) + delay
    return Topic(name, retention_ms=7 * DAY_MS, headroom_bytes=FAILURE_HEADROOM_BYTES)


def retries_of(worker: str) -> str:
    """What begins the names of all topics in which a worker's records wait, and no other's."""
    return f"{RETRY}{worker}."


def retried_worker(name: str) -> str:
    """The worker whose records wait in the topic of this name; empty where it is another topic."""
    return name.removeprefix(RETRY).partition(".")[0] if name.startswith(RETRY) else ""


def changelog(worker: str, window: timedelta) -> Topic:
    """The topic that holds a stateful worker's state, deleted after the window."""
    retention_ms = int(window.total_seconds() * 1000)
    return Topic(f"{worker}.changelog", retention_ms=retention_ms, cleanup="compact,delete")


@dataclass(frozen=True, slots=True)
class Layout:
    """What all topics of one installation share."""

    prefix: str
    partitions: int
    replication_factor: int
    max_body_bytes: int

    @property
    def max_record_bytes(self) -> int:
        """The largest record that any topic takes."""
        return self.max_body_bytes + RECORD_OVERHEAD_BYTES

    def name(self, topic: Topic) -> str:
        """The topic's name in Kafka."""
        return self.prefix + topic.name

    def config(self, topic: Topic) -> dict[str, str]:
        """The topic's configuration in Kafka."""
        return {
            "cleanup.policy": topic.cleanup,
            "retention.ms": str(topic.retention_ms),
            "max.message.bytes": str(self.max_record_bytes + topic.headroom_bytes),
            "compression.type": "producer",
        }


def shared() -> list[Topic]:
    """The topics that belong to no single worker."""
    return [*(message.topic for message in MESSAGES), FAILURES, DEAD_LETTER]


def distinct(topics: Iterable[Topic]) -> Sequence[Topic]:
    """Each topic once, in the order given."""
    return list(dict.fromkeys(topics))
