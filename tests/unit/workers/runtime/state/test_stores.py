"""What every store promises, in memory, in a temporary file and in one that stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.memory import MemoryStore
from workers.runtime.state.sqlite import SqliteStore
from workers.runtime.state.store import Change, Store

WINDOW_MS = 10
CHECKPOINT = Checkpoint("topic", "shape", 7, 1234)

Opens = Callable[[], Store]


@pytest.fixture(params=["memory", "temporary", "file"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Opens:
    """Opens a new store."""
    files = (tmp_path / f"{number}.sqlite3" for number in range(1_000_000))
    kinds: dict[str, Opens] = {
        "memory": lambda: MemoryStore(WINDOW_MS),
        "temporary": lambda: SqliteStore(None, WINDOW_MS),
        "file": lambda: SqliteStore(next(files), WINDOW_MS),
    }
    return kinds[request.param]


def change(key: str, timestamp_ms: int, value: bytes | None = b"1") -> Change:
    return Change(key, value, timestamp_ms)


def keys(store: Store) -> list[str]:
    return [item.key for item in store.items()]


def test_a_new_store_is_empty_and_complete_up_to_nowhere(opens: Opens) -> None:
    with closing(opens()) as store:
        assert (len(store), keys(store), store.newest_ms, store.checkpoint) == (0, [], 0, None)
        assert store.get("a") is None


def test_what_is_applied_is_there_in_the_order_of_changes(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply([change("a", 1), change("b", 2)])
        store.apply([change("c", 3), change("a", 4, b"2")])
        assert keys(store) == ["b", "c", "a"]
        assert store.get("a") == change("a", 4, b"2")
        assert (len(store), store.newest_ms) == (3, 4)


def test_of_several_changes_of_a_key_at_once_the_last_counts(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply(
            [change("a", 1), change("b", 2), change("a", 3, b"2"), change("c", 1), change("c", 1, None)]
        )
        assert list(store.items()) == [change("b", 2), change("a", 3, b"2")]
        assert len(store) == 2


def test_a_key_without_a_value_is_forgotten(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply([change("a", 1), change("b", 1)])
        store.apply([change("a", 1, None), change("never-known", 99, None)])
        assert (keys(store), len(store), store.newest_ms) == (["b"], 1, 1)


def test_what_has_expired_is_deleted_with_the_next_change(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply([change("a", 0), change("b", 5), change("c", 11)])
        assert keys(store) == ["b", "c"]
        store.apply([change("d", 16)])
        assert keys(store) == ["c", "d"]
        assert len(store) == 2


def test_a_value_that_is_renewed_is_as_old_as_its_last_change(opens: Opens) -> None:
    with closing(opens()) as store:
        for key, at_ms in (("a", 0), ("b", 1), ("a", 9), ("c", 15)):
            store.apply([change(key, at_ms)])
        assert keys(store) == ["a", "c"]


def test_a_change_that_comes_out_of_order_neither_revives_nor_harms_others(opens: Opens) -> None:
    with closing(opens()) as store:
        for key, at_ms in (("a", 100), ("late", 80), ("b", 101)):
            store.apply([change(key, at_ms)])
        assert store.get("late") == change("late", 80)
        store.apply([change("c", 111)])
        assert keys(store) == ["b", "c"]


def test_the_newest_time_never_goes_back(opens: Opens) -> None:
    with closing(opens()) as store:
        for key, at_ms in (("a", 100), ("late", 0), ("a", 5)):
            store.apply([change(key, at_ms)])
        assert (len(store), store.newest_ms) == (0, 100)


def test_a_checkpoint_stays_until_there_is_another(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply([change("a", 1)], CHECKPOINT)
        store.apply([change("b", 1)])
        assert store.checkpoint == CHECKPOINT


def test_what_is_cleared_is_empty_and_complete_up_to_nowhere(opens: Opens) -> None:
    with closing(opens()) as store:
        store.apply([change("a", 50)], CHECKPOINT)
        store.clear()
        assert (len(store), keys(store), store.newest_ms, store.checkpoint) == (0, [], 0, None)
        store.apply([change("b", 1)], CHECKPOINT)
        assert (keys(store), store.checkpoint) == (["b"], CHECKPOINT)


def test_any_key_is_found_again(opens: Opens) -> None:
    odd = ["", "a\x00b", "a\x00c", "A", "a", "é", "🎵" * 50, "'; --"]
    with closing(opens()) as store:
        store.apply([change(key, 1, key.encode()) for key in odd])
        assert [store.get(key) for key in odd] == [change(key, 1, key.encode()) for key in odd]
        assert store.get_all([*odd, "absent"]) == {key: change(key, 1, key.encode()) for key in odd}
        assert store.get_all([]) == {}


def test_a_key_that_was_looked_up_in_vain_may_be_put_twice_after(opens: Opens) -> None:
    with closing(opens()) as store:
        assert store.get_all(["a"]) == {}
        store.apply([change("a", 1)])
        store.apply([change("a", 2)])
        assert (len(store), store.get("a")) == (1, change("a", 2))


def test_many_keys_are_found_at_once(opens: Opens) -> None:
    many = [str(number) for number in range(1_234)]
    with closing(opens()) as store:
        store.apply([change(key, 1) for key in many])
        assert store.get_all(many) == {key: change(key, 1) for key in many}


def test_closing_twice_does_no_harm(opens: Opens) -> None:
    store = opens()
    store.close()
    store.close()


CHANGES = st.tuples(
    st.sampled_from("abcdef"), st.integers(0, 40), st.one_of(st.none(), st.binary(max_size=3))
)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.lists(CHANGES, max_size=4), st.just("reopen"))))
def test_a_file_holds_what_memory_would_also_when_it_is_opened_again(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[tuple[str, int, bytes | None]] | str]
) -> None:
    path = tmp_path_factory.mktemp("state") / "store.sqlite3"
    model, store = MemoryStore(WINDOW_MS), SqliteStore(path, WINDOW_MS)
    for each in (model, store):
        each.apply((), CHECKPOINT)
    for number, step in enumerate(steps):
        if isinstance(step, str):
            store.close()
            store = SqliteStore(path, WINDOW_MS)
            continue
        changes = [Change(key, value, at_ms) for key, at_ms, value in step]
        checkpoint = Checkpoint("topic", "shape", number, number)
        some = [
            change.key for change in changes[: number % 3]
        ]  # looked up before, as a batch does; others not
        assert store.get_all(some) == model.get_all(some)
        for each in (model, store):
            each.apply(changes, checkpoint)
        assert list(store.items()) == list(model.items())
        assert [store.get(key) for key in "abcdef"] == [model.get(key) for key in "abcdef"]
        assert (len(store), store.newest_ms) == (len(model), model.newest_ms)
    assert store.checkpoint == model.checkpoint
    store.close()
