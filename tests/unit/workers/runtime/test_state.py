"""What a worker remembers: by key, for a window of event time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.runtime.state import Change, LaneState
from workers.runtime.state import lane_state as lane_state_module
from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.memory import MemoryStore


class Value(msgspec.Struct, frozen=True):
    """A value."""

    n: int


def lane_state() -> LaneState:
    """With a window of 10 ms."""
    return LaneState(Value, timedelta(milliseconds=10))


def change(key: str, n: int, timestamp_ms: int) -> Change:
    return Change(key, msgspec.json.encode(Value(n)), timestamp_ms)


def put(state: LaneState, key: str, n: int, timestamp_ms: int = 0) -> None:
    """As a record that was handled does."""
    mine = state.of(key, timestamp_ms)
    mine.put(Value(n))
    mine.keep()


def test_nothing_is_remembered_of_an_unknown_key() -> None:
    assert lane_state().of("a", 0).get() is None


def test_what_is_put_is_seen_by_the_same_record_at_once() -> None:
    mine = lane_state().of("a", 0)
    mine.put(Value(1))
    assert mine.get() == Value(1)
    mine.put(Value(2))
    assert mine.get() == Value(2)


def test_what_could_not_be_read_again_is_never_put() -> None:
    mine = lane_state().of("a", 0)
    mine.put(Value(1))
    with pytest.raises(TypeError, match=r"an unreadable Value: Expected `int`, got `str` - at `\$\.n`"):
        mine.put(Value("one"))  # type: ignore[arg-type]  # that is the point
    assert mine.get() == Value(1)


def test_what_is_put_is_not_seen_by_other_records_before_it_is_kept() -> None:
    state = lane_state()
    mine = state.of("a", 0)
    mine.put(Value(1))
    assert state.of("a", 0).get() is None
    assert list(state.changes()) == []
    mine.keep()
    assert state.of("a", 0).get() == Value(1)


def test_a_record_that_put_nothing_changes_nothing() -> None:
    state = lane_state()
    state.of("a", 0).keep()
    assert list(state.changes()) == []


def test_the_batchs_changes_lie_over_what_is_committed() -> None:
    state = lane_state()
    put(state, "a", 1)
    state.commit()
    put(state, "a", 2)
    assert state.of("a", 0).get() == Value(2)
    assert list(state.changes()) == [change("a", 2, 0)]


def test_a_commit_takes_the_changes_over_and_leaves_none() -> None:
    state = lane_state()
    put(state, "a", 1)
    put(state, "b", 2)
    assert len(state) == 0
    state.commit()
    assert len(state) == 2
    assert list(state.changes()) == []
    assert state.of("a", 0).get() == Value(1)


def test_a_key_is_one_value_the_last() -> None:
    state = lane_state()
    for n in range(3):
        put(state, "a", n)
    assert list(state.changes()) == [change("a", 2, 0)]


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize(("at_ms", "known"), [(0, True), (10, True), (11, False), (-5, True)])
def test_a_value_expires_when_a_record_comes_later_than_the_window(
    committed: bool, at_ms: int, known: bool
) -> None:
    state = lane_state()
    put(state, "a", 1, timestamp_ms=0)
    if committed:
        state.commit()
    assert (state.of("a", at_ms).get() is not None) == known


def test_what_comes_behind_a_position_is_known_to_be_younger_than_the_batchs_first_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lane may be stopped for days between its transaction and its store: the store must not seem younger."""
    clock = iter([1_000, 999_000])
    monkeypatch.setattr(lane_state_module, "_now_ms", lambda: next(clock))
    store = MemoryStore(10)
    store.apply((), Checkpoint("topic", "shape", 5, as_of_ms=500))
    state = LaneState(Value, timedelta(milliseconds=10), store)
    put(state, "a", 1)
    put(state, "b", 1)
    state.commit(position=9)
    assert store.checkpoint == Checkpoint("topic", "shape", 9, as_of_ms=1_000)


def test_where_kafka_does_not_tell_the_offset_the_checkpoint_stays_behind() -> None:
    store = MemoryStore(10)
    store.apply((), before := Checkpoint("topic", "shape", 5, as_of_ms=500))
    state = LaneState(Value, timedelta(milliseconds=10), store)
    put(state, "a", 1)
    state.commit(position=None)
    assert store.checkpoint == before
    assert state.of("a", 0).get() == Value(1)


def test_all_that_has_not_expired_can_be_gone_through_as_the_batch_in_work_sees_it() -> None:
    state = lane_state()
    for key, at_ms in (("a", 20), ("late", 5), ("b", 21)):
        put(state, key, at_ms, at_ms)
        state.commit()
    put(state, "c", 1, 22)
    put(state, "a", 2, 22)
    assert list(state.items(22)) == [("b", Value(21)), ("c", Value(1)), ("a", Value(2))]
    assert list(state.items(32)) == [("c", Value(1)), ("a", Value(2))]


def test_a_key_that_was_forgotten_is_unknown() -> None:
    state = lane_state()
    put(state, "a", 1)
    state.commit()
    state.put(Change("a", None, 0))
    assert state.of("a", 0).get() is None
    state.commit()
    assert state.of("a", 0).get() is None
    assert len(state) == 0


TIMES = st.integers(0, 40)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcd"), TIMES, st.booleans())), TIMES)
def test_what_is_within_the_window_of_all_that_came_is_never_forgotten(
    puts: list[tuple[str, int, bool]], at_ms: int
) -> None:
    state, book = lane_state(), dict[str, int]()
    for n, (key, put_at_ms, commit) in enumerate(puts):
        put(state, key, n, put_at_ms)
        book[key] = n
        if commit:
            state.commit()
    newest_ms = max([at_ms, *(put_at_ms for _, put_at_ms, _ in puts)])
    for key in "abcd":
        remembered = state.of(key, newest_ms).get()
        alive = key in book and puts[book[key]][1] + 10 >= newest_ms
        assert remembered == (Value(book[key]) if alive else None)


def test_what_was_looked_up_for_one_batch_is_read_anew_once_it_is_committed() -> None:
    state = lane_state()
    state.restore([change("a", 1, 0)])
    state.look_up({"a", "b"})
    assert (state.get("a", 0), state.get("b", 0)) == (Value(1), None)
    put(state, "a", 2)
    put(state, "b", 3)
    state.commit()
    assert (state.get("a", 0), state.get("b", 0)) == (Value(2), Value(3))
