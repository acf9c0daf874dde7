"""What several feeds of a lane put into one batch."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import Any

import pytest
from aiokafka import TopicPartition

from workers.runtime import joint_batch
from workers.runtime.feed import Feed
from workers.runtime.joint_batch import due_together, handled_of
from workers.runtime.mark import Mark
from workers.runtime.record import Record

NOW_MS = int(time.time() * 1000)


class NothingMore:
    """A consumer that has handed out all it had."""

    async def getmany(self, *_: TopicPartition, **__: int) -> dict[TopicPartition, list[Any]]:
        return {}


def feed(topic: str, records: int, *, value: bytes = b"", **said: Any) -> Feed:
    """A feed in which so many records wait."""
    consumer: Any = NothingMore()
    made = Feed(consumer, TopicPartition(topic, 0), 0, **{"proved": True, **said})
    made.waiting.extend(Record(topic, 0, offset, NOW_MS, None, value, {}) for offset in range(records))
    return made


async def together(*feeds: Feed, in_line: tuple[Feed, ...]) -> list[tuple[str, int]]:
    """What the first feed's batch consists of: how many records of which topics."""
    with ExitStack() as stack:
        for each in in_line:
            stack.enter_context(each.in_line())
        return [(s.feed.partition.topic, len(s.records)) for s in await due_together(feeds[0], feeds)]


async def test_what_is_in_line_joins_the_batch_behind_the_feed_whose_turn_it_is() -> None:
    first, second, third = feed("first", 2), feed("second", 1), feed("third", 3)
    assert await together(second, first, third, in_line=(first, second, third)) == [
        ("second", 1),
        ("first", 2),
        ("third", 3),
    ]


async def test_what_is_still_being_polled_for_does_not_join() -> None:
    first, polling = feed("first", 1), feed("polling", 1)
    assert await together(first, polling, in_line=(first,)) == [("first", 1)]


async def test_the_first_batch_of_a_feed_and_a_suspect_one_do_not_join() -> None:
    first, unproved = feed("first", 1), feed("unproved", 1, proved=False)
    suspect = feed("suspect", 1, mark=Mark(tries=2, until=9))
    assert await together(first, unproved, suspect, in_line=(first, unproved, suspect)) == [("first", 1)]


async def test_a_batch_keeps_its_bounds_whoever_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_batch, "BATCH_BYTES", 100)
    first, second, third = (
        feed("first", 2, value=bytes(40)),
        feed("second", 9, value=bytes(10)),
        feed("third", 1),
    )
    assert await together(first, second, third, in_line=(first, second, third)) == [
        ("first", 2),
        ("second", 2),
    ]
    many, more = feed("many", 400), feed("more", 400)
    assert await together(many, more, in_line=(many, more)) == [("many", 400), ("more", 100)]


async def test_only_records_in_no_hurry_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.runtime.feed.UNHURRIED_SECONDS", 3600)
    await feed("hurried", 1).linger()
    lingering = asyncio.create_task(feed("unhurried", 1, unhurried=True).linger())
    await asyncio.sleep(0)
    assert not lingering.done()
    lingering.cancel()


async def test_a_record_that_is_not_due_yet_is_left_where_it_waits() -> None:
    retried = feed("retry", 1, delay_seconds=3600)
    first = feed("first", 1)
    assert await together(first, retried, in_line=(first, retried)) == [("first", 1)]
    assert await together(retried, in_line=()) == [("retry", 0)]
    assert len(retried.waiting) == 1


async def test_what_was_handled_ends_within_a_share() -> None:
    first, second, third = feed("first", 2), feed("second", 3), feed("third", 1)
    shared = await due_together(first, [])
    shared += await due_together(second, []) + await due_together(third, [])
    assert [(s.feed.partition.topic, len(s.records)) for s in handled_of(shared, 4)] == [
        ("first", 2),
        ("second", 2),
    ]
    assert not list(handled_of(shared, 0))
