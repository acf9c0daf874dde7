"""What is a number: in JSON as in strings, at, below and above the largest double."""

from __future__ import annotations

import json

import pytest

from schemas.score import Note
from tests.unit.music.rules.songs import dropped_as, note, played

GREATEST = "1.7976931348623157e308"
OVERFLOWING = "1.7976931348623159e308"


def string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(
            ("7", 7.0),
            ("+7", 7.0),
            ("-7", -7.0),
            ("7.", 7.0),
            ("+7.", 7.0),
            ("7.25", 7.25),
            (".5", 0.5),
            ("-.5", -0.5),
        ),
        *(
            ("007", 7.0),
            ("00.50", 0.5),
            ("0", 0.0),
            ("-0", 0.0),
            ("1e1", 10.0),
            ("1E1", 10.0),
            ("1e+1", 10.0),
        ),
        *(("1e-1", 0.1), ("1.e1", 10.0), (".1e1", 1.0), ("1e01", 10.0), ("1e-400", 0.0), ("0e999", 0.0)),
        *(
            (" 7", 7.0),
            ("\t7", 7.0),
            ("\r7", 7.0),
            ("\n7", 7.0),
            ("7 ", 7.0),
            ("7\t", 7.0),
            ("7\r", 7.0),
            ("7\n", 7.0),
        ),
        *((" \t\r\n 7 \t\r\n ", 7.0), ("0.036458333333333336", 35 / 960), ("0." + "0" * 400 + "1", 0.0)),
    ],
)
def test_a_string_of_a_decimal_is_a_number(text: str, seconds: float) -> None:
    notes, _ = played(note(start=string(text), end="90"))
    assert notes == [Note(max(0, round(seconds * 960)), 86400, 60, 127)]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            ".",
            "+",
            "-",
            "e",
            "e1",
            ".e1",
            "1e",
            "1e+",
            "1e-",
            "1e1.5",
            "1.2.3",
            "--1",
            "+-1",
            "- 1",
            "1 2",
        ),
        *(
            "1,5",
            "1_0",
            "0x10",
            "0b1",
            "1f",
            "1L",
            "1j",
            "1e1e1",
            "(1)",
            "null",
            "true",
            "½",
            "١",
            "１",
            "𝟏",
            "−1",
        ),
        *(
            "nan",
            "NaN",
            "-nan",
            "inf",
            "Inf",
            "+inf",
            "-inf",
            "Infinity",
            "-Infinity",
            "infinity",
            "1e400",
            "-1e400",
        ),
        *(
            "9" * 400,
            "\x0b1",
            "1\x0b",
            "\x0c1",
            "1\x0c",
            "\xa01",
            "1\xa0",
            "\x001",
            "1\x00",
            "1\x1f",
            "\u20281",
            "\ufeff1",
        ),
    ],
)
@pytest.mark.parametrize("field", ["pitch", "start", "end"])
def test_any_other_string_is_none(field: str, text: str) -> None:
    assert dropped_as(note(**{field: string(text)})) == "not-a-number"


@pytest.mark.parametrize("value", ["", "null", "true", "false", "[]", "[1]", "{}", '{"value": 1}'])
@pytest.mark.parametrize("field", ["pitch", "start", "end"])
def test_what_is_absent_null_a_bool_an_array_or_an_object_is_none(field: str, value: str) -> None:
    assert dropped_as(note(**{field: value})) == "not-a-number"


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_what_overflows_a_double_is_none(sign: str, quote: str) -> None:
    for text in (GREATEST, "1e308", "9" * 308):
        assert dropped_as(note(pitch=f"{quote}{sign}{text}{quote}")) == "pitch-out-of-range"
    for text in (OVERFLOWING, "1e309", "1e999999999", "9" * 309, "9" * 5000, "1" + "0" * 309 + ".0"):
        assert dropped_as(note(pitch=f"{quote}{sign}{text}{quote}")) == "not-a-number"


@pytest.mark.parametrize("number", ["60", "60.0", "6e1", "6E+1", "600e-1", "0.6e2", "60." + "0" * 400])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_number_is_what_it_says_however_it_is_written(number: str, quote: str) -> None:
    assert played(note(pitch=f"{quote}{number}{quote}")) == ([Note(0, 960, 60, 127)], {})


@pytest.mark.parametrize(
    "number", ["18446744073709551615", "18446744073709551616", "9" * 30, "-9223372036854775809"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_an_integer_beyond_64_bits_is_a_number(number: str, quote: str) -> None:
    assert (
        dropped_as(note(start=f"{quote}{number}{quote}", end=f"{quote}{number}{quote}"))
        == "time-out-of-range"
    )


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    twice = note()[:-1] + ', "pitch": 61}'
    assert played(twice) == ([Note(0, 960, 61, 127)], {})
    assert dropped_as(note()[:-1] + ', "end": null}') == "not-a-number"
