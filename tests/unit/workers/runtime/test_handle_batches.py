"""When a batch ends, and what is left for the next one."""

from __future__ import annotations

import itertools
import time

import msgspec
import pytest

from schemas.callback import Callback, Task
from schemas.topics import changelog
from tests.unit.workers.records import Lane, record, to
from workers.runtime import handle
from workers.runtime.api import Output, Reject, State, Unavailable, worker
from workers.settings import WorkerSettings


class Last(msgspec.Struct, frozen=True):
    """The last body of a key."""

    body: bytes


@worker("keep", reads=Callback, writes=Task)
def keep(callback: Callback, state: State[Last]) -> list[Output]:
    """Pass a body on and remember it."""
    if callback.body == b"away":
        state.put(Last(b"never"))
        raise Unavailable("The disk is full.")
    if callback.body == b"bad":
        raise Reject("bad", "Bad.")
    state.put(Last(callback.body))
    return [Task(callback.body)]


CHANGELOG = changelog("keep", WorkerSettings().dedup_window)
RECORDS = [record(str(n).encode(), key=f"k{n}", offset=n) for n in range(10)]


def test_all_records_are_handled_in_their_order() -> None:
    batch = Lane(keep).handle(*RECORDS)
    assert batch.handled == 10
    assert batch.blocked is None
    assert [write.value for write in to(Task, batch.writes)] == [r.value for r in RECORDS]


def test_no_records_are_an_empty_batch() -> None:
    assert Lane(keep).handle() == handle.Batch()


@pytest.mark.parametrize("before", [0, 1, 4])
def test_what_every_record_needs_being_away_ends_the_batch_before_the_record(before: int) -> None:
    lane = Lane(keep)
    batch = lane.handle(*RECORDS[:before], record(b"away", key="k0"), *RECORDS[before:])
    assert batch.handled == before
    assert str(batch.blocked) == "The disk is full."
    assert [write.key for write in to(Task, batch.writes)] == [r.key for r in RECORDS[:before]]
    assert [write.key for write in to(CHANGELOG, batch.writes)] == [r.key for r in RECORDS[:before]]
    assert not batch.failed
    assert lane.handle(*RECORDS[before:]).handled == 10 - before


def test_a_failure_does_not_end_the_batch() -> None:
    batch = Lane(keep).handle(record(b"bad"), record(b"bad"), *RECORDS)
    assert (batch.handled, batch.failed) == (12, {"bad": 2})


def test_a_batch_ends_once_its_time_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(handle, "BUDGET_SECONDS", 2.5)
    assert Lane(keep).handle(*RECORDS).handled == 3


def test_a_batch_ends_once_it_has_written_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "BUDGET_BYTES", 2)
    assert Lane(keep).handle(*RECORDS).handled == 3


@pytest.mark.parametrize(("constant", "value"), [("BUDGET_BYTES", 0), ("BUDGET_SECONDS", -1.0)])
def test_a_batch_has_at_least_one_record_whatever_it_costs(
    monkeypatch: pytest.MonkeyPatch, constant: str, value: float
) -> None:
    monkeypatch.setattr(handle, constant, value)
    assert Lane(keep).handle(*RECORDS).handled == 1


def test_of_a_key_that_changes_often_in_a_batch_the_last_value_is_written() -> None:
    batch = Lane(keep).handle(record(b"1"), record(b"2"), record(b"3"))
    changes = to(CHANGELOG, batch.writes)
    assert [msgspec.json.decode(c.value or b"", type=Last) for c in changes] == [Last(b"3")]


def test_a_change_carries_the_time_of_the_record_that_made_it() -> None:
    batch = Lane(keep).handle(record(b"1", timestamp_ms=5), record(b"2", timestamp_ms=7, key="b"))
    assert [(c.key, c.timestamp_ms) for c in to(CHANGELOG, batch.writes)] == [(b"a1", 5), (b"b", 7)]


def test_the_changes_of_a_batch_are_not_written_again_with_the_next() -> None:
    lane = Lane(keep)
    lane.handle(*RECORDS)
    assert [c.key for c in to(CHANGELOG, lane.handle(record(b"x")).writes)] == [b"a1"]
