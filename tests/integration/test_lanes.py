"""What the worker runtime promises, on a real Kafka: once, in order, restored, fenced, never stuck."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from broker import clients, topics
from broker.groups import groups
from broker.partitioner import partition
from broker.topics import TopicsError
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.message import Body, Message, Topic
from schemas.outcome import Outcome
from schemas.topics import DEAD_LETTER, FAILURES, changelog, retry
from tests.topics import PARTITIONS, PATIENCE_SECONDS, Seen, eventually, read_all, read_until, write
from workers.route_failures import route_failures
from workers.runtime import feed, lane
from workers.runtime.api import Context, Dropped, Reject, State, Unavailable, Worker, worker
from workers.runtime.joint_batch import Share, due_together
from workers.runtime.run import run


class Word(Body, topic="test.words", kind="test.word"):
    """What the workers of these tests read."""


class Counted(Message, topic="test.counted", kw_only=True):
    """What they write."""

    word: str
    times: int


class Times(msgspec.Struct, frozen=True):
    """What they remember of a key."""

    times: int


@worker("count", reads=Word, writes=Counted)
def count(word: Word, state: State[Times]) -> Counted:
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(Times(times))
    return Counted(word=word.body.decode(), times=times)


PARTITION_OF_A = partition(b"a", PARTITIONS)


@asynccontextmanager
async def running(settings: Settings, *workers: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """Run workers in this process, their topics made if need be."""
    needed = [topic for w in workers for topic in w.topics(settings)]
    await topics.apply(settings, list(dict.fromkeys(needed)))
    stop = asyncio.Event()
    task = asyncio.create_task(run(workers, settings, stop, version="test"))
    try:
        yield task
    finally:
        stop.set()
        await task


async def words(settings: Settings, *pairs: tuple[str | None, str]) -> None:
    """Append words (key, word)."""
    await topics.apply(settings, [Word.topic])
    await write(settings, Word.topic, *((key, word.encode(), {h.CE_ID: word}) for key, word in pairs))


async def counted(settings: Settings, enough: int) -> list[tuple[str, str, int]]:
    """What was written as (key, word, times), once there is so much."""
    seen = await read_until(settings, Counted.topic, lambda records: len(records) >= enough)
    messages = [(record.key, Counted.decode(record.value)) for record in seen]
    return [(key, message.word, message.times) for key, message in messages]


async def test_state_is_restored_from_the_changelog_when_a_worker_starts_again(settings: Settings) -> None:
    async with running(settings, count):
        await words(settings, ("a", "one"), ("b", "one"), ("a", "two"))
        assert len(await counted(settings, 3)) == 3
    async with running(settings, count):
        await words(settings, ("a", "three"))
        assert ("a", "three", 3) in await counted(settings, 4)


async def test_records_of_one_key_are_handled_in_order_each_once(settings: Settings) -> None:
    pairs = [(key, f"{number:03}") for number in range(100) for key in "abc"]
    async with running(settings, count):
        await words(settings, *pairs)
        result = await counted(settings, len(pairs))
    for key in "abc":
        mine = [(word, times) for k, word, times in result if k == key]
        assert mine == [(f"{number:03}", number + 1) for number in range(100)]


async def test_a_poison_record_in_mid_batch_goes_to_the_failures_and_its_siblings_go_on(
    settings: Settings,
) -> None:
    @worker("picky", reads=Word, writes=Counted)
    def picky(word: Word, state: State[Times]) -> Counted:
        state.put(Times(1))
        if word.body == b"poison":
            raise Reject("poisonous", "I do not take poison.")
        return Counted(word=word.body.decode(), times=1)

    await words(settings, ("a", "before"), ("a", "poison"), ("a", "after"))
    async with running(settings, picky):
        assert [word for _, word, _ in await counted(settings, 2)] == ["before", "after"]
        (failure,) = await read_until(settings, FAILURES, bool)
    assert (failure.key, failure.value) == ("a", b"poison")
    assert failure.headers[h.ERROR_REASON] == "poisonous"
    assert failure.headers[h.CE_ID] == "poison"
    kept = await read_all(settings, changelog("picky", settings.dedup_window))
    assert len(kept) == 1  # one batch, one key, one change


async def test_an_unforeseen_error_is_tried_again_and_what_still_fails_becomes_a_dead_letter(
    settings: Settings,
) -> None:
    tries: list[int] = []

    @worker("flaky", reads=Word, writes=Counted)
    def flaky(word: Word, context: Context) -> Counted:
        if word.body == b"hopeless":
            raise RuntimeError("never")
        tries.append(context.attempt)
        if context.attempt < 3:
            raise RuntimeError("not yet")
        return Counted(word=word.body.decode(), times=context.attempt)

    async with running(settings, flaky, route_failures):
        await words(settings, ("a", "patience"), ("b", "hopeless"))
        assert await counted(settings, 1) == [("a", "patience", 3)]
        (letter,) = await read_until(settings, DEAD_LETTER, bool)
    assert tries == [1, 2, 3]
    assert letter.value == b"hopeless"
    assert letter.headers[h.ERROR_REASON] == reasons.UNEXPECTED_ERROR
    assert letter.headers[h.ERROR_ATTEMPTS] == "3"
    assert "RuntimeError: never" in letter.headers[h.ERROR_EXCEPTION]
    assert letter.headers[h.ERROR_FIRST_AT] < letter.headers[h.ERROR_LAST_AT]
    assert await read_all(settings, Outcome.topic) == []  # what fails beside the pipeline ends no task


async def test_a_record_that_waits_for_another_try_does_not_hold_up_the_others(settings: Settings) -> None:
    patient = settings.model_copy(update={"retry_delays": ("1h",)})

    @worker("once", reads=Word, writes=Counted)
    def once(word: Word) -> Counted:
        if word.body == b"bad":
            raise RuntimeError("bad")
        return Counted(word=word.body.decode(), times=1)

    async with running(patient, once, route_failures):
        await words(patient, ("a", "bad"))
        await read_until(patient, retry("once", "1h"), bool)
        await words(patient, ("a", "good"))
        assert await counted(patient, 1) == [("a", "good", 1)]


async def test_nothing_fails_while_what_every_record_needs_is_away(settings: Settings) -> None:
    back = threading.Event()
    asked = threading.Event()

    @worker("needy", reads=Word, writes=Counted)
    def needy(word: Word) -> Counted:
        asked.set()
        if not back.is_set():
            raise Unavailable("the disk is full")
        return Counted(word=word.body.decode(), times=1)

    async with running(settings, needy):
        await words(settings, ("a", "one"), ("a", "two"))
        assert await asyncio.to_thread(asked.wait, 30)
        assert await read_all(settings, Counted.topic) == []
        back.set()
        assert [word for _, word, _ in await counted(settings, 2)] == ["one", "two"]
        assert await read_all(settings, FAILURES) == []


async def test_a_failure_whose_worker_has_no_topics_is_a_dead_letter_and_stops_nobody(
    settings: Settings,
) -> None:
    headers = {h.ERROR_WORKER: "long-gone", h.ERROR_REASON: reasons.UNEXPECTED_ERROR, h.ERROR_ATTEMPTS: "1"}
    async with running(settings, route_failures):
        await write(settings, FAILURES, ("a", b"value", headers), ("a", b"broken", {}))
        letters = await read_until(settings, DEAD_LETTER, lambda seen: len(seen) == 2)
    assert [letter.value for letter in letters] == [b"value", b"broken"]
    assert [letter.headers[h.ERROR_REASON] for letter in letters] == [
        reasons.UNEXPECTED_ERROR,
        reasons.UNROUTABLE,
    ]


async def test_a_record_as_large_as_its_topic_allows_can_still_fail(settings: Settings) -> None:
    @worker("overwhelmed", reads=Word, writes=Counted)
    def overwhelmed(word: Word) -> Counted:
        if len(word.body) > 100:
            raise RuntimeError("too much " * 1000)
        return Counted(word=word.body.decode(), times=1)

    large = os.urandom(settings.layout.max_record_bytes - 4000)
    async with running(settings, overwhelmed):
        await topics.apply(settings, [Word.topic])
        await write(settings, Word.topic, ("a", large, {}), ("a", b"small", {}))
        assert await counted(settings, 1) == [("a", "small", 1)]
        (failure,) = await read_until(settings, FAILURES, bool)
    assert failure.value == large


async def test_a_zombie_is_fenced_and_adds_nothing(settings: Settings) -> None:
    await topics.apply(settings, count.topics(settings))
    zombie = clients.producer(settings, transactional_id=f"{settings.topic_prefix}count-0")
    await zombie.start()
    await zombie.begin_transaction()
    await zombie.send_and_wait(settings.layout.name(Counted.topic), b"late", key=b"a", partition=0)
    try:
        async with running(settings, count):
            await words(settings, *((str(n), "x") for n in range(20)))
            assert len(await counted(settings, 20)) == 20
            with pytest.raises(Exception, match=r"[Ff]enced"):
                await zombie.commit_transaction()
        assert b"late" not in [record.value for record in await read_all(settings, Counted.topic)]
    finally:
        await zombie.stop()


async def test_lanes_move_to_members_that_join_and_back_when_they_leave(settings: Settings) -> None:
    pairs = [(f"key-{number % 50}", f"{number}") for number in range(1500)]
    async with running(settings, count):
        await words(settings, *pairs[:500])
        async with running(settings, count):
            await words(settings, *pairs[500:1000])
        await words(settings, *pairs[1000:])
        result = await counted(settings, len(pairs))
    assert sorted(word for _, word, _ in result) == sorted(word for _, word in pairs)
    for key in {key for key, _ in pairs}:
        assert [times for k, _, times in result if k == key] == list(range(1, 31))


async def test_missing_topics_are_named_and_the_worker_does_not_start(settings: Settings) -> None:
    with pytest.raises(TopicsError, match=r"test\.words.*topics apply"):
        await run([count], settings, asyncio.Event(), version="test")


async def test_another_number_of_partitions_is_refused(settings: Settings) -> None:
    await topics.apply(settings, count.topics(settings))
    other = settings.model_copy(update={"partitions": settings.partitions + 1})
    with pytest.raises(TopicsError, match="MIDI_INGEST_PARTITIONS"):
        await run([count], other, asyncio.Event(), version="test")
    with pytest.raises(TopicsError, match="MIDI_INGEST_PARTITIONS"):
        await topics.apply(other, count.topics(other))


async def test_a_changed_retention_is_drift_and_apply_mends_it_and_keeps_what_else_was_set(
    settings: Settings,
) -> None:
    shorter = Topic(Word.topic.name, retention_ms=1000)
    await topics.apply(settings, [shorter])
    (drift,) = await topics.diff(settings, [Word.topic])
    assert (drift.setting, drift.actual) == ("retention.ms", "1000")
    await topics.apply(settings, [Word.topic])

    async def no_drift() -> bool:
        return await topics.diff(settings, [Word.topic]) == []

    await eventually(no_drift, lambda: "the retention was not set")


async def test_a_repeat_is_only_counted(settings: Settings) -> None:
    @worker("bored", reads=Word)
    def bored(_word: Word) -> Dropped:
        return Dropped("boring")

    async with running(settings, bored):
        await words(settings, ("a", "one"))

        async def committed() -> bool:
            consumer = clients.reader(settings, group=f"{settings.topic_prefix}bored")
            await consumer.start()
            try:
                partitions = [
                    TopicPartition(settings.layout.name(Word.topic), p) for p in range(settings.partitions)
                ]
                return any([await consumer.committed(tp) for tp in partitions])
            finally:
                await consumer.stop()

        await eventually(committed, lambda: "no offset was committed")
    assert await read_all(settings, FAILURES) == []


class Remark(Body, topic="test.remarks", kind="test.remark"):
    """What a worker reads beside words, in no hurry."""


async def test_what_is_in_no_hurry_joins_the_batch_of_what_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    @worker("read-both", reads=(Word, Remark), unhurried=Remark)
    def read_both(read: Word | Remark) -> None:
        seen.append(read.body.decode())

    async def write_words_until(remark: str) -> None:
        async def seen_after_a_word() -> bool:
            await words(settings, ("a", f"before {remark}"))
            return remark in seen

        await eventually(seen_after_a_word, lambda: f"not seen: {remark}")

    async with running(settings, read_both):
        await write(settings, Remark.topic, ("a", b"alone", {}))
        await eventually(lambda: asyncio.sleep(0, "alone" in seen), lambda: "it does not go by itself")
        monkeypatch.setattr(feed, "UNHURRIED_SECONDS", 3600)  # by itself, none would go any more
        for remark in ("joins", "joins too"):
            await write(settings, Remark.topic, ("a", remark.encode(), {}))
            await write_words_until(remark)


def _ends_with_both(records: Sequence[Seen]) -> bool:
    return {"last word", "last remark"} <= {Counted.decode(record.value).word for record in records}


async def test_what_joined_a_batch_is_written_once_and_committed_with_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, joined = threading.Event(), list[int]()

    @worker("echo", reads=(Word, Remark), writes=Counted)
    def echo(read: Word | Remark) -> Counted:
        if read.body.startswith(b"hold"):
            held.wait(PATIENCE_SECONDS)
        return Counted(word=read.body.decode(), times=1)

    async def counting_joins(*feeds: Any) -> list[Share]:
        shares = await due_together(*feeds)
        joined.append(len(shares))
        return shares

    async def write_both(number: int) -> None:
        """While a word holds the lane, something comes for both of its feeds."""
        held.clear()
        await words(settings, ("a", f"hold {number}"))
        await write(settings, Remark.topic, *(("a", b"remark %d.%d" % (number, n), {}) for n in range(5)))
        await words(settings, *(("a", f"word {number}.{n}") for n in range(5)))
        held.set()
        await counted(settings, 11 * number)

    monkeypatch.setattr(lane, "due_together", counting_joins)
    async with running(settings, echo):
        for number in itertools.count(1):
            await write_both(number)
            if max(joined, default=0) > 1 and number > 1:
                break
    async with running(settings, echo):
        await words(settings, ("a", "last word"))  # whatever comes again, comes before
        await write(settings, Remark.topic, ("a", b"last remark", {}))
        seen = await read_until(settings, Counted.topic, _ends_with_both)
    written = [Counted.decode(record.value).word for record in seen]
    assert len(written) == len(set(written)) == 11 * number + 2


async def test_a_worker_may_begin_with_the_newest_record(settings: Settings) -> None:
    seen: list[str] = []

    @worker("begin-late", reads=Word, begins="newest")
    def begin_late(word: Word) -> None:
        seen.append(word.body.decode())

    async def begun() -> bool:
        async with groups(settings) as asked:
            committed = await asked.committed(settings.topic_prefix + begin_late.name)
        name: str = settings.layout.name(Word.topic)
        return [tp.topic for tp in committed].count(name) == settings.partitions

    async def all_seen(*expected: str) -> None:
        await eventually(lambda: asyncio.sleep(0, set(expected) <= set(seen)), lambda: f"seen: {seen}")

    await words(settings, ("a", "before its time"))
    async with running(settings, begin_late):
        await eventually(begun, lambda: "not all lanes have begun")
    await words(settings, *((key, f"while it was away {key}") for key in "abc"))
    async with running(settings, begin_late):
        await all_seen(*(f"while it was away {key}" for key in "abc"))
    assert "before its time" not in seen


async def test_a_retry_that_is_not_due_stays_where_a_joint_batch_has_left_it(settings: Settings) -> None:
    settings = settings.model_copy(update={"retry_delays": ("30s",)})
    held, seen = threading.Event(), list[str]()

    @worker("wait-in-line", reads=(Word, Remark))
    def wait_in_line(read: Word | Remark) -> None:
        seen.append(read.body.decode())
        if seen[-1] == "hold":
            held.wait(PATIENCE_SECONDS)

    async def all_seen(*expected: str) -> None:
        await eventually(lambda: asyncio.sleep(0, set(expected) <= set(seen)), lambda: f"seen: {seen}")

    async def write_retries(*due_in_seconds: int) -> None:
        async with clients.producer(settings) as producer:
            for seconds in due_in_seconds:
                await producer.send_and_wait(
                    settings.layout.name(retry("wait-in-line", "30s")),
                    b"due in %d s" % seconds,
                    b"a",
                    partition=PARTITION_OF_A,
                    timestamp_ms=int((time.time() + seconds - 30) * 1000),
                    headers=[(h.CE_TYPE, Word.kind.encode())],
                )

    async with running(settings, wait_in_line):
        await words(settings, ("a", "first word"))
        await write(settings, Remark.topic, ("a", b"first remark", {}))
        await write_retries(0)
        await all_seen(
            "first word", "first remark", "due in 0 s"
        )  # from now on, what is in line is taken along
        await words(settings, ("a", "hold"))
        await all_seen("hold")
        await write_retries(4, 8)
        await write(settings, Remark.topic, ("a", b"in line before it is due", {}))
        await asyncio.sleep(5)  # until the first retry is due, and in line behind the remark
        held.set()
        await all_seen("in line before it is due", "due in 4 s", "due in 8 s")


async def test_a_first_batch_that_waits_for_an_outage_to_end_is_marked_as_nobodys_death(
    settings: Settings,
) -> None:
    waits, over = threading.Event(), threading.Event()

    @worker("wait-for-it", reads=Word, writes=Counted)
    def wait_for_it(word: Word) -> Counted:
        if not over.is_set():
            waits.set()
            raise Unavailable("not yet")
        return Counted(word=word.body.decode(), times=1)

    async def mark() -> str:
        tp = TopicPartition(settings.layout.name(Word.topic), PARTITION_OF_A)
        committed = await admin.list_consumer_group_offsets(
            settings.topic_prefix + wait_for_it.name, partitions=[tp]
        )
        told: str = committed[tp].metadata if tp in committed else ""
        return told

    admin = clients.admin(settings)
    await admin.start()
    try:
        async with running(settings, wait_for_it):
            await words(settings, ("a", "word"))
            await asyncio.to_thread(waits.wait, PATIENCE_SECONDS)
            await eventually(unmarked := lambda: _is_empty(mark()), lambda: "the mark of a death stays")
            over.set()
            assert await counted(settings, 1) == [("a", "word", 1)]
            await eventually(unmarked, lambda: "the mark of a death stays")
    finally:
        await admin.close()


async def _is_empty(text: Awaitable[str]) -> bool:
    return not await text
