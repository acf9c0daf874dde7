"""What one writes by hand with aiokafka alone: consume, produce and commit the offsets in one transaction.

``python -m bench.workers.bare_loop PORT BOOTSTRAP_SERVERS PREFIX PARTITIONS [decide]``: one loop, consumer and producer
a partition, since partitions must not wait for one another. With ``decide`` each callback is also read and digested, as
`deduplicate` has to, but nothing is remembered of it.

The batches are those of a lane: as many records, as many bytes; so is how records are compressed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from bench.load import HOST
from broker.compression import use_zstd_level
from schemas.dialects import AUTO, Meaning, read_callback
from telemetry import health
from workers.runtime.handle import BUDGET_BYTES

GROUP: Final = "bare"
READS: Final = "callbacks"
WRITES: Final = "tasks"

_BATCH_RECORDS: Final = 500
_FETCH_BYTES: Final = 4 * 1024 * 1024
_FETCH_WAIT_MS: Final = 5_000
_BATCH_BYTES: Final = 1024 * 1024
_NO_LIMIT: Final = 2**31 - 1


async def follow(servers: str, prefix: str, number: int, *, decide: bool, ready: asyncio.Event) -> None:
    """Pass on what comes in one partition, until cancelled."""
    reads, group = TopicPartition(prefix + READS, number), prefix + GROUP
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_bytes=2 * _FETCH_BYTES,
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        transactional_id=f"{group}-{number}",
        compression_type="zstd",
        max_batch_size=_BATCH_BYTES,
        max_request_size=_NO_LIMIT,
    )
    async with consumer, producer:
        consumer.assign([reads])
        await consumer.seek_to_committed()
        ready.set()
        while True:
            polled = await consumer.getmany(reads, timeout_ms=60_000, max_records=_BATCH_RECORDS)
            for batch in _batches(polled.get(reads, [])):
                await _pass_on(producer, batch, prefix + WRITES, group, decide=decide)


async def _pass_on(
    producer: AIOKafkaProducer,
    batch: Sequence[ConsumerRecord[Any, Any]],
    writes: str,
    group: str,
    *,
    decide: bool,
) -> None:
    passed = [r for r in batch if not decide or read_callback(r.value, AUTO).meaning is Meaning.SUCCESS]
    last = batch[-1]
    async with producer.transaction():
        sent = [
            await producer.send(writes, r.value, r.key, last.partition, headers=list(r.headers))
            for r in passed
        ]
        await asyncio.gather(*sent)
        offsets = {TopicPartition(last.topic, last.partition): last.offset + 1}
        await producer.send_offsets_to_transaction(offsets, group)


def _batches(records: Sequence[ConsumerRecord[Any, Any]]) -> Iterator[Sequence[ConsumerRecord[Any, Any]]]:
    batch: list[ConsumerRecord[Any, Any]] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.value)
        if size > BUDGET_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def main(port: int, servers: str, prefix: str, partitions: int, *, decide: bool) -> None:
    """Run all loops until killed."""
    ready = [asyncio.Event() for _ in range(partitions)]

    def all_ready() -> health.Health:
        return health.Health(all(event.is_set() for event in ready))

    async with (
        health.serve(HOST, port, alive=all_ready, ready=all_ready),
        asyncio.TaskGroup() as loops,
    ):
        for number, event in enumerate(ready):
            loops.create_task(follow(servers, prefix, number, decide=decide, ready=event))


if __name__ == "__main__":
    use_zstd_level()
    port, servers, prefix, partitions, *options = sys.argv[1:]
    uvloop.run(main(int(port), servers, prefix, int(partitions), decide=options == ["decide"]))
