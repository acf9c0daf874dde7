"""A JSON value as a number, by itself; rules/test_numbers.py has what is one and what is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.music.number import number


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (-3, -3.0),
        (2**64 - 1, 1.8446744073709552e19),
        (0.046875, 0.046875),
        ("7", 7.0),
        (" -.5e1\n", -5.0),
    ],
)
def test_a_number_or_a_string_of_one_becomes_a_double(value: object, expected: float) -> None:
    assert number(value) == expected
    assert type(number(value)) is float


@pytest.mark.parametrize("value", [None, True, [1], {}, "", "nan", math.inf, -math.inf, math.nan])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert number(value) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives_as_text(value: float) -> None:
    assert number(repr(value)) == value


def test_a_long_string_that_is_almost_a_number_is_refused_at_once() -> None:
    assert number("1" * 1_000_000 + "x") is None
    assert number(" " * 1_000_000 + "x") is None
