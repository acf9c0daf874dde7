"""What a lane counts of each batch, once it is committed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from schemas import headers as h
from schemas.topics import DEAD_LETTER, Layout, retried_worker
from telemetry import metrics
from workers.runtime.handle import Batch
from workers.runtime.record import Record, Write
from workers.runtime.ticking import Tick


def count(worker: str, batch: Batch, handled: Sequence[Record], committed_s: float, layout: Layout) -> None:
    """Count a batch: what went in and out, and the seconds in the function and until it was committed."""
    metrics.BATCH_RECORDS.labels(worker).observe(len(handled))
    metrics.HANDLE_SECONDS.labels(worker).observe(batch.seconds)
    metrics.TRANSACTION_SECONDS.labels(worker).observe(committed_s)
    for topic, times in Counter(record.topic for record in handled).items():
        metrics.RECORDS_IN.labels(worker, topic).inc(times)
    ages, now = metrics.AGE_SECONDS.labels(worker), time.time()
    for record in handled:
        if (age := _age_seconds(record, now)) is not None:
            ages.observe(age)
    _count_written(worker, batch.writes, layout)
    for why, times in batch.dropped.items():
        metrics.RECORDS_DROPPED.labels(worker, why).inc(times)
    for reason, times in batch.failed.items():
        metrics.RECORDS_FAILED.labels(worker, reason).inc(times)


def count_tick(worker: str, tick: Tick, layout: Layout) -> None:
    """Count what a timer led to."""
    if tick.error:
        metrics.TIMER_ERRORS.labels(worker).inc()
    for write in tick.writes:
        metrics.RECORDS_OUT.labels(worker, layout.name(write.topic)).inc()


def _count_written(worker: str, writes: Sequence[Write], layout: Layout) -> None:
    """Count what was written, and what it means to what failed, where it is its next try or its end."""
    for topic, times in Counter(write.topic for write in writes).items():
        metrics.RECORDS_OUT.labels(worker, layout.name(topic)).inc(times)
        if failed_in := retried_worker(topic.name):
            metrics.RECORDS_RETRIED.labels(failed_in).inc(times)
    for write in writes:
        if write.topic.name == DEAD_LETTER.name:
            failed_in, reason = write.headers.get(h.ERROR_WORKER, ""), write.headers.get(h.ERROR_REASON, "")
            metrics.RECORDS_DEAD.labels(failed_in, reason).inc()


def _age_seconds(record: Record, now: float) -> float | None:
    """From the callback's receipt until now, where the record says when that was."""
    received = h.moment(record.headers.get(h.CE_TIME, ""))
    return max(0.0, now - received.timestamp()) if received else None
