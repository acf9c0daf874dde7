"""Records on their way to Kafka: which travel together, in which order, and until when."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import TopicPartition

from broker.clients import BATCH_BYTES
from ingest.limits import Budget
from ingest.publishing.batches import Batch, Unavailable, Waiting
from ingest.record import Record

HERE, THERE = TopicPartition("t", 0), TopicPartition("t", 1)


def waiter() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def put(waiting: Waiting, where: TopicPartition, key: bytes, length: int = 1, deadline: float = 10) -> Batch:
    batch = waiting.open(where, length, deadline)
    batch.add(Record("t", key, bytes(length), []), waiter())
    return batch


def keys(batch: Batch) -> list[bytes]:
    return [record.key for record in batch.records]


async def test_records_of_one_partition_travel_together_in_their_order() -> None:
    waiting = Waiting(Budget(1))
    for key, where in ((b"a", HERE), (b"b", THERE), (b"c", HERE)):
        put(waiting, where, key)

    assert {where: keys(waiting.pop(where)) for where in waiting} == {HERE: [b"a", b"c"], THERE: [b"b"]}
    assert not waiting


async def test_what_does_not_fit_travels_in_the_next_batch() -> None:
    waiting = Waiting(Budget(1))
    for key in (b"a", b"b", b"c"):
        put(waiting, HERE, key, BATCH_BYTES // 2 - 1000)

    assert [keys(waiting.pop(HERE)) for _ in range(2)] == [[b"a", b"b"], [b"c"]]


async def test_a_late_record_does_not_join_a_batch_whose_time_is_nearly_over() -> None:
    waiting = Waiting(Budget(1))
    for key, deadline in ((b"a", 10.0), (b"b", 10.4), (b"c", 10.6)):
        put(waiting, HERE, key, deadline=deadline)

    assert [keys(waiting.pop(HERE)) for _ in range(2)] == [[b"a", b"b"], [b"c"]]


async def test_one_record_may_be_larger_than_a_batch() -> None:
    assert keys(put(Waiting(Budget(1)), HERE, b"a", 2 * BATCH_BYTES)) == [b"a"]


async def test_what_is_tried_again_goes_first_and_takes_no_others_in() -> None:
    waiting = Waiting(Budget(1))
    failed = Batch(HERE, 10, Budget(1), tries=1)
    failed.add(Record("t", b"a", b"", []), waiter())
    waiting.put_back([failed])
    put(waiting, HERE, b"b")

    assert [keys(waiting.pop(HERE)) for _ in range(2)] == [[b"a"], [b"b"]]


async def test_what_has_waited_too_long_is_taken_out() -> None:
    waiting = Waiting(Budget(1))
    put(waiting, HERE, b"a", BATCH_BYTES, deadline=1)
    put(waiting, HERE, b"b", deadline=2)
    put(waiting, THERE, b"c", deadline=1)

    assert sorted(key for batch in waiting.expired(1.5) for key in keys(batch)) == [b"a", b"c"]
    assert keys(waiting.pop(HERE)) == [b"b"]


async def test_everyone_is_told_of_an_error_and_of_one_of_their_own() -> None:
    batch = Batch(HERE, 10, Budget(1))
    for key in (b"a", b"b"):
        batch.add(Record("t", key, b"", []), waiter())
    batch.waiters[0].cancel()
    batch.settle(Unavailable("why"))
    batch.settle()

    with pytest.raises(Unavailable, match="why"):
        await batch.waiters[1]


async def test_a_batch_splits_into_its_records() -> None:
    batch = Batch(HERE, 10, Budget(1), tries=1)
    for key in (b"a", b"b"):
        batch.add(Record("t", key, b"xy", []), waiter())

    singles = batch.split()
    assert [(keys(single), single.size_bytes, single.tries) for single in singles] == [
        ([b"a"], 2, 1),
        ([b"b"], 2, 1),
    ]
