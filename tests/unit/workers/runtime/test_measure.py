"""What is counted of a batch beside its records: what it means for those that failed."""

from __future__ import annotations

from prometheus_client import REGISTRY

from schemas import headers as h
from schemas import reasons
from schemas.message import Topic
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, Layout, retry
from workers.runtime.handle import Batch
from workers.runtime.measure import count
from workers.runtime.record import Write

LAYOUT = Layout("midi.", 6, 1, 8 * 1024 * 1024)
FAILED = {h.ERROR_WORKER: "measured", h.ERROR_REASON: reasons.UNEXPECTED_ERROR}


def counted(*topics: Topic) -> tuple[float, float]:
    """How many more retries and dead letters of the worker `measured` these writes are."""

    def now() -> tuple[float, float]:
        retried = {"worker": "measured"}
        dead = {"worker": "measured", "reason": reasons.UNEXPECTED_ERROR}
        return (
            REGISTRY.get_sample_value("midi_ingest_worker_records_retried_total", retried) or 0,
            REGISTRY.get_sample_value("midi_ingest_worker_records_dead_total", dead) or 0,
        )

    before = now()
    writes = [Write(topic, b"a", b"", FAILED) for topic in topics]
    count("route-failures", Batch(handled=len(writes), writes=writes), (), 0.1, LAYOUT)
    after = now()
    return after[0] - before[0], after[1] - before[1]


def test_what_is_sent_to_wait_is_a_retry_of_the_worker_that_failed() -> None:
    assert counted(retry("measured", "5s"), retry("measured", "10m")) == (2, 0)


def test_a_dead_letter_is_counted_by_the_worker_that_failed_and_by_reason() -> None:
    assert counted(DEAD_LETTER, Outcome.topic) == (0, 1)
