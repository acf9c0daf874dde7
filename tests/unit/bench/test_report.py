"""Percentiles are values that were seen."""

from __future__ import annotations

import pytest

from bench import report


@pytest.mark.parametrize(("percent", "value"), [(50, 500), (99, 990), (99.9, 999), (100, 1000)])
def test_a_percentile_is_the_nearest_rank(percent: float, value: int) -> None:
    assert report.percentile(range(1000, 0, -1), percent) == value


def test_of_few_values_a_high_percentile_is_the_largest() -> None:
    assert report.percentile([3.0, 1.0, 2.0], 99.9) == 3.0
    assert report.percentile([1.0], 50) == 1.0


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert report.ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == 3.0
