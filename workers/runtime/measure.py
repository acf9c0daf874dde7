"""What a lane counts of each batch, once it is committed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from schemas import headers as h
from schemas.topics import DEAD_LETTER, retried_worker
from telemetry import metrics
from workers.runtime.handle import Batch
from workers.runtime.record import Record, Write
from workers.runtime.ticking import Tick


def count(worker: str, batch: Batch, handled: Sequence[Record], committed_s: float) -> None:
    """Count a batch: what went in and out, and the seconds in the function and until it was committed."""
    metrics.BATCH_RECORDS.labels(worker).observe(len(handled))
    metrics.HANDLE_SECONDS.labels(worker).observe(batch.seconds)
    metrics.TRANSACTION_SECONDS.labels(worker).observe(committed_s)
    for record in handled:
        metrics.RECORDS_IN.labels(worker, record.topic).inc()
        if (age := _age_seconds(record)) is not None:
            metrics.AGE_SECONDS.labels(worker).observe(age)
    for write in batch.writes:
        _count_written(worker, write)
    for why, times in batch.dropped.items():
        metrics.RECORDS_DROPPED.labels(worker, why).inc(times)
    for reason, times in batch.failed.items():
        metrics.RECORDS_FAILED.labels(worker, reason).inc(times)


def count_tick(worker: str, tick: Tick) -> None:
    """Count what a timer led to."""
    if tick.error:
        metrics.TIMER_ERRORS.labels(worker).inc()
    for write in tick.writes:
        metrics.RECORDS_OUT.labels(worker, write.topic.name).inc()


def _count_written(worker: str, write: Write) -> None:
    """Count a record that was written, and what it means to the one that failed, if it is its next try or its end."""
    name = write.topic.name
    metrics.RECORDS_OUT.labels(worker, name).inc()
    if name == DEAD_LETTER.name:
        failed_in, reason = write.headers.get(h.ERROR_WORKER, ""), write.headers.get(h.ERROR_REASON, "")
        metrics.RECORDS_DEAD.labels(failed_in, reason).inc()
    elif failed_in := retried_worker(name):
        metrics.RECORDS_RETRIED.labels(failed_in).inc()


def _age_seconds(record: Record) -> float | None:
    """From the callback's receipt until now, where the record says when that was."""
    received = h.moment(record.headers.get(h.CE_TIME, ""))
    return max(0.0, time.time() - received.timestamp()) if received else None
