"""Repairing a worker's state: its stores on this machine filled anew, and records of its changelog forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

from broker import clients
from schemas.topics import changelog
from workers.runtime.api import Worker
from workers.runtime.feeds import Opening, started
from workers.runtime.state.changelog import Reading
from workers.runtime.state.errors import StateError, Unreadable
from workers.runtime.state.files import claim, path_of
from workers.runtime.state.restore import read
from workers.runtime.state.sqlite import remove
from workers.settings import WorkerSettings


async def rebuild(settings: WorkerSettings, worker: Worker, partition: int) -> int:
    """Delete a lane's store on this machine, if it has one, and fill it from the changelog; returns its keys.

    Raises:
        UnreadableRecords: records are in the way.
        StateError: a running process has the store.
        KafkaError, OSError: Kafka cannot be reached; the disk failed.
    """
    if path := path_of(settings, worker.name, partition):
        lock = await asyncio.to_thread(claim, path)
        if lock is None:
            raise StateError(
                f"A running process has {path}: stop this machine's worker {worker.name} first, or leave the "
                "partition out with --partition."
            )
        remove(path)
        os.close(lock)
    async with contextlib.AsyncExitStack() as stack:
        state = await Opening(stack, worker, partition, settings).state()
        return len(state) if state is not None else 0


async def unreadable(settings: WorkerSettings, worker: Worker, partition: int) -> Sequence[Unreadable]:
    """The records of a changelog's partition that keep its lane from opening; reads all of it, touches no store.

    Raises:
        KafkaError, OSError: Kafka cannot be reached.
    """
    async with _scanning(settings, worker, partition) as scan:
        return await scan()


async def forget(
    settings: WorkerSettings, worker: Worker, partition: int, offsets: Collection[int]
) -> Sequence[Unreadable]:
    """Have the keys of unreadable records forgotten, by a tombstone for each; returns those records.

    A worker that is at-least-once is not fenced by this: it must not run.

    1. Read the changelog to its end, which may take a while.
    2. Start a producer with the lane's transactional id. Whoever runs the lane is fenced: from now on nobody else
       writes to this partition of the changelog. It opens anew some seconds later, and restores.
    3. Read what came meanwhile. A record that can be read, or has a successor, is left alone.
    4. Write the tombstones in one transaction. Should the lane have opened meanwhile, it has fenced us: nothing is
       written.

    Raises:
        StateError: one of the offsets is of no record that is in the way.
        KafkaError, OSError: Kafka cannot be reached, or the lane opened meanwhile.
    """
    name = settings.layout.name(changelog(worker.name, settings.dedup_window))
    async with _scanning(settings, worker, partition) as scan, contextlib.AsyncExitStack() as stack:
        choose(await scan(), offsets)
        lane = f"{settings.topic_prefix}{worker.name}-{partition}"
        producer = clients.producer(settings, transactional_id=lane)
        await started(stack, producer)
        chosen = choose(await scan(), offsets)
        await producer.begin_transaction()
        acks = [
            await producer.send(name, key=record.key, value=None, partition=partition) for record in chosen
        ]
        await asyncio.gather(*acks)
        await producer.commit_transaction()
    return chosen


def choose(records: Sequence[Unreadable], offsets: Collection[int]) -> Sequence[Unreadable]:
    """The records with these offsets.

    Raises:
        StateError: one of the offsets is none of theirs.
    """
    if unknown := sorted(set(offsets) - {record.offset for record in records}):
        raise StateError(
            f"Nothing to forget at offset {unknown[0]}: the record can be read, or a later one has its key, or there "
            "is none. Without --forget, this command lists those that are in the way."
        )
    return [record for record in records if record.offset in offsets]


@contextlib.asynccontextmanager
async def _scanning(
    settings: WorkerSettings, worker: Worker, partition: int
) -> AsyncIterator[Callable[[], Awaitable[Sequence[Unreadable]]]]:
    """Reads a changelog's partition up to the end that it has when that is called, and on from there."""
    if worker.state_type is None:
        raise StateError(f"{worker.name} remembers nothing.")
    reading = Reading(worker.name, worker.state_type)
    async with contextlib.AsyncExitStack() as stack:
        source = await stack.enter_async_context(Opening(stack, worker, partition, settings).changelog())
        await source.consumer.seek_to_beginning(source.partition)

        async def scan() -> Sequence[Unreadable]:
            end = (await source.consumer.end_offsets([source.partition]))[source.partition]
            await read(source, reading, end, lambda _: None)
            return sorted(reading.unreadable.values(), key=lambda record: record.offset)

        yield scan
