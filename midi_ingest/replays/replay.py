"""Runs stored records again: the oldest first, in bounded batches, each one transaction, giving way to live traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from broker.groups import groups
from broker.partitioner import partition
from midi_ingest.moments import written
from midi_ingest.pace import Pace, batches
from midi_ingest.process import Stopped
from midi_ingest.replays.live_traffic import LiveTraffic
from midi_ingest.replays.stored import TRANSACTIONS, Range, Stored, again, stored
from midi_ingest.scan import Reader, partitions_of
from midi_ingest.settings import Settings
from midi_ingest.transactions import transactions
from workers.runtime.api import Worker


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a replay may burden the workers: records a second, how far they may be behind, and for how long."""

    rate: float
    max_lag: int
    patience_seconds: float


async def find(settings: Settings, reader: Reader, workers: Sequence[Worker], meant: Range) -> list[Stored]:
    """What is to be run again, the oldest first; of each task and topic only the newest record counts."""
    found: dict[tuple[str, str, bytes | None], Stored] = {}
    for worker in workers:
        async for record in reader.scan(_places(settings, worker, meant.tasks), meant.start):
            if meant.takes(record):
                found[worker.name, record.topic, record.key] = stored(worker.name, record)
    return sorted(found.values(), key=lambda item: item.timestamp_ms)


async def replay(
    settings: Settings, reader: Reader, workers: Sequence[Worker], found: Sequence[Stored], limits: Limits
) -> int:
    """Run records again; returns how many: those that Kafka deletes meanwhile are left out.

    Raises:
        Stopped: it was cut off; the message says how to go on.
    """
    pace, done = Pace(limits.rate), 0
    async with groups(settings) as asked, transactions(settings, TRANSACTIONS) as writer:
        traffic = LiveTraffic(
            settings,
            asked,
            reader,
            workers,
            max_lag=limits.max_lag,
            patience_seconds=limits.patience_seconds,
        )
        for batch in batches(found, pace.batch_max, lambda item: item.size_bytes):
            try:
                await traffic.let_pass()
                await pace.take(len(batch))
                writes = [again(item.worker, record) for item, record in await _read(reader, batch)]
                await writer.commit(writes)
            except (KafkaError, OSError, Stopped) as error:
                raise Stopped(_cut_off(done, found, batch[0], error)) from error
            done += len(writes)
    return done


def _places(settings: Settings, worker: Worker, tasks: frozenset[str]) -> list[TopicPartition]:
    """The partitions that hold what a worker reads, of some tasks or of all."""
    numbers = {partition(task.encode(), settings.partitions) for task in tasks}
    places = [tp for topic in worker.sources for tp in partitions_of(settings, topic)]
    return [tp for tp in places if not numbers or tp.partition in numbers]


async def _read(reader: Reader, items: Sequence[Stored]) -> list[tuple[Stored, ConsumerRecord[bytes, bytes]]]:
    """The records of some items, in their order."""
    records = {}
    for place in dict.fromkeys(item.place for item in items):
        offsets = {item.offset for item in items if item.place == place}
        for offset, record in (await reader.fetch(place, offsets)).items():
            records[place, offset] = record
    return [(item, record) for item in items if (record := records.get((item.place, item.offset)))]


def _cut_off(done: int, found: Sequence[Stored], following: Stored, error: Exception) -> str:
    return (
        f"{done:,} of {len(found):,} records were replayed, then it was cut off: "
        f"{str(error) or 'Kafka does not answer.'} To go on with the rest: --from {written(following.timestamp_ms)}"
    )
