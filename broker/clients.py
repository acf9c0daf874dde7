"""Kafka clients with the settings that the promises rest on; every client's size limits agree."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from broker.closed_connections import close_at_once
from broker.compression import use_zstd_level
from broker.lost_connections import tell_lost_connections
from broker.produce_request import encode_at_once
from broker.reader import Reader
from broker.refusals import note_refusals
from broker.security import client_options, tell_of_clear_text
from broker.settings import KafkaSettings

REQUEST_TIMEOUT_MS: Final = 10_000
TRANSACTION_TIMEOUT_MS: Final = 15_000
"""An open transaction holds up every reader behind it: Kafka aborts it after this long."""

REBALANCE_TIMEOUT_MS: Final = 60_000
"""How long members may take to hand over their partitions; aiokafka calls it `max_poll_interval_ms`."""

_NO_LIMIT: Final = 2**31 - 1
BATCH_BYTES: Final = 1024 * 1024
_FETCH_BYTES: Final = 4 * 1024 * 1024

_LAST_SECONDS: Final = 5.0

use_zstd_level()
encode_at_once()
close_at_once()
tell_lost_connections()
note_refusals()


def producer(
    settings: KafkaSettings, *, transactional_id: str | None = None, passes_on: bool = False
) -> AIOKafkaProducer:
    """An idempotent producer with ``acks=all``; transactional where an id is given.

    One that ``passes_on`` what Kafka took before leaves it to Kafka to refuse what is too large.
    """
    return AIOKafkaProducer(
        **_connection(settings),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        compression_type=None if settings.compression == "none" else settings.compression,
        max_batch_size=BATCH_BYTES,
        # Kafka's limit is on what is compressed, aiokafka's on what is not.
        max_request_size=_NO_LIMIT if passes_on else settings.layout.max_record_bytes,
        retry_backoff_ms=50,
    )


def group_member(settings: KafkaSettings, group: str) -> AIOKafkaConsumer:
    """A consumer that holds a place in a group.

    Range assignment over equal partition counts gives a member the same partition numbers of every topic.
    """
    return AIOKafkaConsumer(
        **_connection(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=int(settings.session_timeout_seconds * 1000),
        heartbeat_interval_ms=int(settings.session_timeout_seconds * 300),
        max_poll_interval_ms=REBALANCE_TIMEOUT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS + REBALANCE_TIMEOUT_MS,
    )


def reader(
    settings: KafkaSettings,
    *,
    group: str | None = None,
    fetch_max_wait_ms: int = 500,
    skips_what_is_gone: bool = True,
) -> Reader:
    """A consumer of committed records whose partitions are assigned by hand; it joins no group.

    With a group it can ask for that group's committed offsets. Where Kafka has deleted what comes next, it goes on with
    the oldest that is there; or, if it does not skip what is gone, it raises `aiokafka.errors.OffsetOutOfRangeError`.
    """
    return Reader(
        **_connection(settings),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if skips_what_is_gone else "none",
        isolation_level="read_committed",
        fetch_max_wait_ms=fetch_max_wait_ms,
        fetch_max_bytes=max(_FETCH_BYTES, settings.layout.max_record_bytes),
        max_partition_fetch_bytes=_FETCH_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=50,
    )


def admin(settings: KafkaSettings) -> AIOKafkaAdminClient:
    """A client that creates and describes topics."""
    return AIOKafkaAdminClient(
        **_connection(settings),
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


def _connection(settings: KafkaSettings) -> dict[str, Any]:
    """What all clients share: where Kafka is, and who they are."""
    tell_of_clear_text(settings)
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "client_id": "midi-ingest",
        **client_options(settings),
    }


def take_back(producer: AIOKafkaProducer, partition: TopicPartition, records: int) -> None:
    """Number an idempotent producer's next batch as if so many records that Kafka has refused had never been.

    aiokafka counts them all the same, and Kafka then rejects each later batch of the partition as out of order
    (aiokafka #1017). Only for a partition that has nothing else under way.
    """
    producer._txn_manager.increment_sequence_number(partition, -records)  # noqa: SLF001 - aiokafka offers no way


async def end(producer: AIOKafkaProducer, timeout_seconds: float) -> None:
    """Stop a producer once it has delivered what it holds; after ``timeout_seconds`` also if it has not.

    While Kafka is away, aiokafka's own `stop` waits for ever, and its sender tries for ever.
    """
    stop = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait([stop], timeout=timeout_seconds)
    if done:
        stop.result()
        return
    stop.cancel()
    sender = producer._sender.sender_task  # noqa: SLF001 - aiokafka offers no other way to end it
    sender.cancel()
    await producer.client.close()
    await asyncio.wait([stop, sender], timeout=timeout_seconds)


async def start_whole(start: Coroutine[Any, Any, None], timeout_seconds: float) -> None:
    """Start a client, also if whoever waits for it is cancelled meanwhile; it has seconds to end then.

    A start that is cancelled itself would leave the connection open that aiokafka is just making.

    Raises:
        TimeoutError: it takes longer.
    """
    starting = asyncio.ensure_future(start)
    try:
        async with asyncio.timeout(timeout_seconds):
            await asyncio.shield(starting)
    finally:
        if not starting.done():
            await asyncio.wait([starting], timeout=_LAST_SECONDS)
            starting.cancel()
            await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()  # whoever waited for it has it; asyncio wants it to be looked at
