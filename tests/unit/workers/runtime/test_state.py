"""What a worker remembers: by key, for a window of event time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.runtime.state import Change, LaneState, StateError


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


def test_what_has_expired_is_forgotten_with_the_next_change() -> None:
    state = lane_state()
    for key, at_ms in (("a", 0), ("b", 5), ("c", 11)):
        state.restore(change(key, 1, at_ms))
    assert len(state) == 2
    state.restore(change("d", 1, 16))
    assert len(state) == 2
    assert [state.of(key, 16).get() is not None for key in "abcd"] == [False, False, True, True]


def test_a_value_that_is_renewed_is_as_old_as_its_last_change() -> None:
    state = lane_state()
    for key, at_ms in (("a", 0), ("b", 1), ("a", 9), ("c", 15)):
        state.restore(change(key, at_ms, at_ms))
    assert len(state) == 2
    assert state.of("a", 15).get() == Value(9)


def test_a_change_that_comes_out_of_order_neither_revives_nor_harms_others() -> None:
    state = lane_state()
    for key, at_ms in (("a", 100), ("late", 80), ("b", 101)):
        state.restore(change(key, 1, at_ms))
    assert state.of("late", 101).get() is None
    assert state.of("late", 85).get() == Value(1)
    assert state.of("a", 101).get() == state.of("b", 101).get() == Value(1)
    state.restore(change("c", 1, 111))
    assert len(state) == 2


def test_the_newest_time_never_goes_back() -> None:
    state = lane_state()
    for key, at_ms in (("a", 100), ("late", 0), ("a", 5)):
        state.restore(change(key, 1, at_ms))
    assert len(state) == 0


def test_the_changelog_restores_what_was_committed() -> None:
    before, after = lane_state(), lane_state()
    for n in range(30):
        put(before, f"k{n % 7}", n, timestamp_ms=n)
        for offset, c in enumerate(before.changes()):
            after.restore_record(c.key.encode(), c.value, c.timestamp_ms, offset)
        before.commit()
    assert len(after) == len(before) == 7
    assert [after.of(f"k{n}", 29).get() for n in range(7)] == [before.of(f"k{n}", 29).get() for n in range(7)]


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"\xff", b'{"n":1}'), (b"a", b"{"), (b"a", b'{"n":"x"}'), (b"\xff", None), (b"a", b'"\xff"')],
)
def test_a_record_of_the_changelog_that_is_none_of_ours_names_its_offset(
    key: bytes, value: bytes | None
) -> None:
    with pytest.raises(StateError, match="offset 4711 "):
        lane_state().restore_record(key, value, 0, 4711)


def test_a_record_of_the_changelog_without_a_value_forgets_its_key() -> None:
    state = lane_state()
    state.restore_record(b"a", b'{"n":1}', 0, 0)
    state.restore_record(b"a", None, 0, 1)
    state.restore_record(b"never-known", None, 0, 2)
    assert len(state) == 0


TIMES = st.integers(0, 40)


@settings(deadline=None, max_examples=50)
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
