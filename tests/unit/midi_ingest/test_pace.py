"""Bounded batches."""

from __future__ import annotations

import pytest

from midi_ingest.pace import BATCH_BYTES, BATCH_MAX, Pace, batches


def test_batches_keep_the_order_and_are_bounded_by_number() -> None:
    assert list(batches(range(5), 2, lambda _: 1)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2, len)) == []


def test_batches_are_bounded_by_bytes_and_what_is_larger_goes_alone() -> None:
    third, all_of_it, too_much = BATCH_BYTES // 3, BATCH_BYTES, BATCH_BYTES + 1
    sizes = [third, third, third, 1, too_much, all_of_it, 1]
    found = list(batches(sizes, 100, lambda size: size))
    assert found == [[third, third, third, 1], [too_much], [all_of_it], [1]]


@pytest.mark.parametrize(("rate", "batch_max"), [(None, BATCH_MAX), (0.2, 1), (20, 20), (1e6, BATCH_MAX)])
def test_a_batch_is_what_one_second_allows(rate: float | None, batch_max: int) -> None:
    assert Pace(rate).batch_max == batch_max
