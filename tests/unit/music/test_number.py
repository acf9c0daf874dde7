"""A JSON value as a number."""

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
        ("0.036458333333333336", 0.036458333333333336),
        ("7", 7.0),
        ("+7", 7.0),
        ("-7.", -7.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1E+2", 100.0),
        ("1e-2", 0.01),
        (" \t\r\n1.5 \t\r\n", 1.5),
        ("007", 7.0),
        ("1e-400", 0.0),
    ],
)
def test_a_number_or_a_string_of_one_becomes_a_double(value: object, expected: float) -> None:
    assert number(value) == expected
    assert type(number(value)) is float


@pytest.mark.parametrize(
    "value", [None, True, False, [], [1], {}, {"value": 1}, math.inf, -math.inf, math.nan]
)
def test_what_is_neither_a_finite_number_nor_a_string_is_no_number(value: object) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "+",
        "e1",
        ".e1",
        "1e",
        "1e+",
        "1_0",
        "1,5",
        "1 2",
        "--1",
        "0x10",
        "1f",
        "١",
        "１",
        "½",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1e400",
        "-1e400",
        "9" * 400,
        "1\x0b",
        "\x0c1",
        "\xa01",
        "1\x00",
        "1\x1f",
    ],
)
def test_text_that_is_no_finite_decimal_in_ascii_is_no_number(text: str) -> None:
    assert number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives_as_text(value: float) -> None:
    assert number(repr(value)) == value


def test_a_long_string_that_is_almost_a_number_is_refused_at_once() -> None:
    assert number("1" * 1_000_000 + "x") is None
    assert number(" " * 1_000_000 + "x") is None
