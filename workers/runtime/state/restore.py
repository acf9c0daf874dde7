"""Brings a lane's state up to the end of its changelog: from where its store is complete, else from the beginning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from broker.changelogs import Identity
from telemetry import metrics
from telemetry.logs import logger
from workers.runtime.progress import Progress
from workers.runtime.state.changelog import Reading
from workers.runtime.state.checkpoint import Checkpoint, Log, shape_of, why_cold
from workers.runtime.state.store import Change, Store

_POLL_MS: Final = 50
"""Behind the last record there may be only the mark of a transaction, for which aiokafka waits as for a record."""
_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Source:
    """A partition of a changelog, a consumer of committed records that has only this partition, and who is told."""

    consumer: AIOKafkaConsumer
    partition: TopicPartition
    identity: Identity
    progress: Progress


async def restore(store: Store, source: Source, worker: str, value_type: type[msgspec.Struct]) -> None:
    """Bring a store up to the end that the changelog has now.

    The store gets its checkpoint once it is complete: until then a tombstone that is already in the log, but was not
    read yet, might be gone before it is.

    Raises:
        StateError: a record cannot be read, and no later one has its key.
        StoreError: the store cannot be written.
        KafkaError: Kafka cannot be reached.
    """
    as_of_ms, started = int(time.time() * 1000), time.monotonic()
    log = await _log_of(source)
    shape = shape_of(value_type)
    cold = why_cold(store.checkpoint, shape, log, as_of_ms)
    if cold:
        await asyncio.to_thread(store.clear)
    source.consumer.seek(source.partition, store.checkpoint.position if store.checkpoint else log.beginning)
    reading = Reading(worker, value_type)
    await read(source, reading, log.end, store.apply)
    reading.finish()
    if log.topic_id is not None:
        await asyncio.to_thread(store.apply, (), Checkpoint(log.topic_id, shape, log.end, as_of_ms))
    logger().info(
        "state restored",
        worker=worker,
        partition=source.partition.partition,
        keys=len(store),
        records=reading.records,
        seconds=round(time.monotonic() - started, 3),
        **({"from_the_beginning": cold} if cold else {}),
    )


async def _log_of(source: Source) -> Log:
    tp, identity = source.partition, source.identity
    beginning = (await source.consumer.beginning_offsets([tp]))[tp]
    end = (await source.consumer.end_offsets([tp]))[tp]
    return Log(identity.topic_id, beginning, end, identity.tombstones_kept_ms)


async def read(
    source: Source, reading: Reading, end: int, apply: Callable[[Sequence[Change]], object]
) -> None:
    """Apply all changes before ``end``, in a thread: counting them would miss what was compacted or aborted.

    Raises:
        StateError, StoreError, KafkaError: see `restore`.
    """
    consumer, tp = source.consumer, source.partition
    start = await consumer.position(tp)
    remaining = metrics.STATE_RESTORE_REMAINING.labels(reading.worker, str(tp.partition))
    restored = metrics.STATE_RESTORED.labels(reading.worker, str(tp.partition))
    try:
        while (position := await consumer.position(tp)) < end:
            remaining.set(end - position)
            source.progress.restores(position - start, end - start)
            records = (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=_AT_ONCE)).get(tp, ())
            restored.inc(len(records))
            await asyncio.to_thread(lambda: apply(reading.changes(records)))  # noqa: B023 - it is awaited
    finally:
        remaining.set(0)
