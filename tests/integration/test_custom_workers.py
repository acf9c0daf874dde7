"""What a worker may be beside a plain function, on a real Kafka: async, together, raw, patient."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from broker.partitioner import partition
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas.message import Topic
from schemas.topics import DEAD_LETTER, FAILURES
from tests.integration.test_lanes import Counted, Times, Word, counted, running, words
from tests.topics import read_until
from workers.route_failures import route_failures
from workers.runtime.api import Context, Failure, Keyed, Raw, Retry, State, States, worker


async def test_an_async_worker_has_several_keys_in_work_at_once_and_keeps_the_order_of_each(
    settings: Settings,
) -> None:
    working: set[str] = set()
    most = [0]

    @worker("eager", reads=Word, writes=Counted, concurrency=5)
    async def eager(word: Word, context: Context) -> Counted:
        working.add(context.key)
        most[0] = max(most[0], len(working))
        await asyncio.sleep(0.001)
        working.discard(context.key)
        return Counted(word=word.body.decode(), times=context.attempt)

    pairs = [(key, f"{number:02}") for number in range(20) for key in "abcdefghij"]
    await words(settings, *pairs)  # so that much is due when the worker starts
    async with running(settings, eager):
        result = await counted(settings, len(pairs))
    by_key = defaultdict(list)
    for key, word, _ in result:
        by_key[key].append(word)
    assert dict(by_key) == {key: [f"{number:02}" for number in range(20)] for key in "abcdefghij"}
    assert most[0] > 1


async def test_records_that_are_due_are_taken_together_and_poison_fails_alone(settings: Settings) -> None:
    sizes: list[int] = []

    @worker("together", reads=Word, writes=Counted)
    def together(all_words: list[Word]) -> list[Counted | Failure]:
        sizes.append(len(all_words))
        if any(word.body == b"poison" for word in all_words):
            raise ValueError("poison")
        return [Counted(word=word.body.decode(), times=len(all_words)) for word in all_words]

    await words(settings, *(("a", f"{number}") for number in range(30)), ("a", "poison"), ("a", "last"))
    async with running(settings, together):
        result = await counted(settings, 31)
        (failure,) = await read_until(settings, FAILURES, bool)
    assert [word for _, word, _ in result] == [*(f"{number}" for number in range(30)), "last"]
    assert max(sizes) > 1
    assert failure.value == b"poison"


async def test_a_worker_asks_for_another_try_at_a_delay_and_is_out_of_attempts_in_the_end(
    settings: Settings,
) -> None:
    patient = settings.model_copy(update={"retry_delays": ("2s", "1s")})
    came: list[tuple[int, str]] = []

    @worker("patient", reads=Word)
    def wait(_word: Word, context: Context) -> None:
        came.append((context.attempt, context.topic.removeprefix(patient.topic_prefix)))
        raise Retry("Not yet.", after="1s")

    async with running(patient, wait, route_failures):
        await words(patient, ("a", "x"))
        (letter,) = await read_until(patient, DEAD_LETTER, bool)
    assert came == [(1, "test.words"), (2, "retry.patient.1s"), (3, "retry.patient.1s")]
    assert letter.headers[h.ERROR_REASON] == "retry-requested"
    assert letter.headers[h.ERROR_RETRY_AFTER] == "1"


async def test_a_timer_is_called_in_each_lane_and_what_it_puts_is_restored_elsewhere(
    settings: Settings,
) -> None:
    told = Topic("test.told")

    @worker("watch", reads=Word, writes=(Counted, told))
    def watch(word: Word, state: State[Times]) -> Counted:
        before = state.get()
        state.put(Times(1))
        return Counted(word=word.body.decode(), times=before.times if before else 0)

    @watch.every("1s")
    def tell(_now: datetime, states: States[Times]) -> Iterator[Raw]:
        for key, state in states:
            if state.get() == Times(1):
                state.put(Times(2))
                yield Raw(told, key.encode(), b"waits")
        if not failed:
            failed.append(True)
            raise RuntimeError("only this moment of it is lost, with all that it put")

    failed: list[bool] = []
    keys = [f"key-{number}" for number in range(9)]
    async with running(settings, watch):
        await words(settings, *((key, "one") for key in keys))
        seen = await read_until(settings, told, lambda records: len(records) >= len(keys))
    assert sorted(record.key for record in seen) == sorted(keys)
    async with running(settings, watch):
        await words(settings, *((key, "two") for key in keys))
        result = await counted(settings, 2 * len(keys))
    assert sorted(times for _, word, times in result if word == "two") == [2] * len(keys)


async def test_a_raw_record_is_copied_byte_for_byte_and_another_key_goes_to_its_own_partition(
    settings: Settings,
) -> None:
    copies = Topic("test.copies")

    @worker("copy", reads=Word.topic, writes=(copies, Counted))
    def copy(raw: Raw) -> list[Raw | Keyed]:
        number = raw.value.decode()
        return [
            raw.to(copies),
            Raw(copies, f"key-{number}".encode(), raw.value, {"re": "keyed"}),
            Keyed(f"message-{number}", Counted(word=number, times=1)),
        ]

    async with running(settings, copy):
        await words(settings, *(("a", f"{number}") for number in range(10)))
        seen = await read_until(settings, copies, lambda records: len(records) == 20)
        messages = await read_until(settings, Counted.topic, lambda records: len(records) == 10)
    same = [record for record in seen if record.key == "a"]
    assert [(record.value, record.headers) for record in same] == [
        (f"{number}".encode(), {h.CE_ID: f"{number}"}) for number in range(10)
    ]
    for record in (*seen, *messages):
        assert record.partition == partition(record.key.encode(), settings.partitions)
