"""How a worker's function is called: async, several at once, all that are due together; order and blame are kept."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import msgspec
import pytest

from schemas import headers as h
from schemas.callback import Callback, Task
from schemas.message import Body
from schemas.topics import FAILURES, changelog
from tests.unit.workers.records import NOON_MS, Lane, record, to
from workers.runtime.api import Context, Dropped, Failure, Output, Reject, State, Unavailable, worker
from workers.settings import WorkerSettings


class Last(msgspec.Struct, frozen=True):
    """What is remembered of a key."""

    body: bytes


class Odd(Body, topic="odds"):
    """A second source."""


RECORDS = [record(str(n).encode(), key=f"k{n % 3}", offset=n) for n in range(9)]


@worker("sleepy", reads=Callback, writes=Task)
async def sleepy(callback: Callback) -> Task:
    """Wait a moment, then pass on."""
    await asyncio.sleep(0)
    if callback.body == b"bad":
        raise Reject("bad", "Bad.")
    if callback.body == b"cancelled":
        raise asyncio.CancelledError
    if callback.body == b"away":
        raise Unavailable("Away.")
    return Task(callback.body)


def test_an_async_function_is_a_worker_like_any_other() -> None:
    batch = Lane(sleepy).handle(RECORDS[0], record(b"bad"), record(b"cancelled"), *RECORDS[1:])
    assert batch.handled == 11
    assert batch.failed == {"bad": 1, "unexpected-error": 1}
    assert [write.value for write in to(Task, batch.writes)] == [r.value for r in RECORDS]


def test_what_is_away_for_an_async_function_blocks_too() -> None:
    batch = Lane(sleepy).handle(RECORDS[0], record(b"away"), RECORDS[1])
    assert (batch.handled, str(batch.blocked)) == (1, "Away.")


async def test_an_async_function_runs_on_no_loop_that_keeps_members_alive() -> None:
    loops: list[tuple[asyncio.AbstractEventLoop, threading.Thread]] = []

    @worker("where", reads=Callback)
    async def where(_callback: Callback) -> None:
        loops.append((asyncio.get_running_loop(), threading.current_thread()))

    await asyncio.gather(*(asyncio.to_thread(Lane(where).handle, RECORDS[0]) for _ in range(3)))
    assert len(set(loops)) == 1
    assert asyncio.get_running_loop() is not loops[0][0]


@pytest.mark.parametrize("concurrency", [1, 2, 3, 100])
def test_several_keys_are_in_work_at_once_and_each_keeps_its_order(concurrency: int) -> None:
    at_once: Counter[str] = Counter()
    most = [0]
    seen: list[str] = []

    @worker("eager", reads=Callback, writes=Task, concurrency=concurrency)
    async def eager(callback: Callback, context: Context) -> Task:
        at_once[context.key] += 1
        most[0] = max(most[0], at_once.total())
        assert at_once[context.key] == 1
        for _ in range(3):
            await asyncio.sleep(0)
        at_once[context.key] -= 1
        seen.append(f"{context.key} {callback.body.decode()}")
        return Task(callback.body)

    batch = Lane(eager).handle(*RECORDS)
    assert most == [min(concurrency, 3)]
    assert [write.value for write in to(Task, batch.writes)] == [r.value for r in RECORDS]
    for key in ("k0", "k1", "k2"):
        assert (mine := [line for line in seen if line.startswith(key)]) == sorted(mine)


def test_of_several_at_once_each_fails_for_itself_and_the_first_that_is_blocked_ends_the_batch() -> None:
    @worker("eager", reads=Callback, writes=Task, concurrency=10)
    async def eager(callback: Callback) -> Task:
        return await sleepy.function(callback)  # type: ignore[misc, no-any-return]

    records = [record(body, key=str(n)) for n, body in enumerate([b"1", b"bad", b"2", b"away", b"3"])]
    batch = Lane(eager).handle(*records)
    assert (batch.handled, batch.failed, str(batch.blocked)) == (3, {"bad": 1}, "Away.")
    assert [write.value for write in to(Task, batch.writes)] == [b"1", b"2"]


CALLS: list[list[bytes]] = []


@pytest.fixture(autouse=True)
def calls() -> list[list[bytes]]:
    """The bodies of each call of `together`."""
    CALLS.clear()
    return CALLS


@worker("together", reads=(Callback, Odd), writes=Task)
def together(
    messages: list[Callback | Odd], contexts: list[Context]
) -> list[Task | Dropped | Failure | None]:
    """Take all that are due."""
    CALLS.append([message.body for message in messages])
    if b"poison" in CALLS[-1]:
        raise KeyError("poison")
    if b"away" in CALLS[-1]:
        raise Unavailable("Away.")
    if b"short" in CALLS[-1]:
        return []
    results: dict[bytes, Dropped | Failure | None] = {
        b"none": None,
        b"drop": Dropped("dull"),
        b"fail": Failure("no-good", "No good."),
    }
    return [
        results.get(message.body, Task(context.key.encode()))
        for message, context in zip(messages, contexts, strict=True)
    ]


def test_all_records_that_are_due_are_one_call(calls: list[list[bytes]]) -> None:
    batch = Lane(together).handle(*RECORDS, record(b"odd", topic="midi.odds", headers={}))
    assert calls == [[*(r.value for r in RECORDS), b"odd"]]
    assert batch.handled == 10
    assert [write.value for write in to(Task, batch.writes)] == [*(r.key for r in RECORDS), b"a1"]


def test_each_result_belongs_to_its_record(calls: list[list[bytes]]) -> None:
    bodies = [b"none", b"x", b"drop", b"fail", b"y"]
    batch = Lane(together).handle(*(record(body, key=str(n)) for n, body in enumerate(bodies)))
    assert len(calls) == 1
    assert [write.key for write in to(Task, batch.writes)] == [b"1", b"4"]
    assert [write.key for write in to(FAILURES, batch.writes)] == [b"3"]
    assert (batch.dropped, batch.failed) == ({"dull": 1}, {"no-good": 1})


def test_what_cannot_be_read_stays_out_of_the_call(calls: list[list[bytes]]) -> None:
    batch = Lane(together).handle(record(b"1"), record(b"keyless", key=None), record(None), record(b"2"))
    assert calls == [[b"1", b"2"]]
    assert (batch.handled, batch.failed, batch.dropped) == (4, {"invalid-payload": 1}, {"tombstone": 1})


def test_a_batch_of_nothing_readable_is_no_call(calls: list[list[bytes]]) -> None:
    assert Lane(together).handle(record(None)).handled == 1
    assert calls == []


def test_poison_takes_no_siblings_with_it(calls: list[list[bytes]]) -> None:
    batch = Lane(together).handle(record(b"1"), record(b"poison", offset=7), record(b"2"))
    assert calls == [[b"1", b"poison", b"2"], [b"1"], [b"poison"], [b"2"]]
    assert len(to(Task, batch.writes)) == 2
    (failure,) = to(FAILURES, batch.writes)
    assert failure.headers[h.ERROR_OFFSET] == "7"


def test_a_result_too_few_is_an_error_and_never_shifts_the_others(calls: list[list[bytes]]) -> None:
    batch = Lane(together).handle(record(b"1"), record(b"short"), record(b"2"))
    assert len(calls) == 4
    assert len(to(Task, batch.writes)) == 2
    (failure,) = to(FAILURES, batch.writes)
    assert "returned 0 results for 1 records" in failure.headers[h.ERROR_MESSAGE]


def test_what_is_away_blocks_all_of_them(calls: list[list[bytes]]) -> None:
    batch = Lane(together).handle(record(b"1"), record(b"away"))
    assert (batch.handled, batch.writes, str(batch.blocked)) == (0, [], "Away.")
    assert len(calls) == 1


@worker("remember", reads=Callback, writes=Task)
async def remember(callbacks: list[Callback], states: list[State[Last]]) -> list[list[Output]]:
    """Say what was remembered of each key, then remember the body."""
    results: list[list[Output]] = []
    for callback, state in zip(callbacks, states, strict=True):
        before = state.get()
        results.append([Task(before.body if before else b"-")])
        state.put(Last(callback.body))
        if callback.body == b"4":
            raise KeyError("four")
    return results


def test_a_batch_with_state_sees_what_the_record_before_it_of_the_same_key_put() -> None:
    lane = Lane(remember)
    batch = lane.handle(*RECORDS)
    wrote = [write.value for write in to(Task, batch.writes)]
    assert wrote == [b"-", b"-", b"-", b"0", b"2", b"3", b"1", b"5"]  # 4 failed: its key still has 1
    assert batch.failed == {"unexpected-error": 1}
    kept = to(changelog("remember", WorkerSettings().dedup_window), batch.writes)
    assert {c.key: msgspec.json.decode(c.value or b"", type=Last).body for c in kept} == {
        b"k0": b"6",
        b"k1": b"7",
        b"k2": b"8",
    }
    assert lane.state is not None
    assert lane.state.get("k1", NOON_MS) == Last(b"7")
