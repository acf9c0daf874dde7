"""The typed decode: it reads numbers as `number` does, or leaves the body to be read note by note."""

from __future__ import annotations

import json
import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import AUTO
from workers.music.number import number
from workers.music.typed_body import TypedInstrument, TypedNote, read_typed


def body(instruments: str) -> bytes:
    return f'{{"task_id": "t", "code": 200, "data": {{"instruments": {instruments}}}}}'.encode()


def starts(texts: list[str]) -> list[float | None] | None:
    """What is read of these JSON texts, each as a note's start; None where the body is left to others."""
    notes = ", ".join(f'{{"start": {text}}}' for text in texts)
    typed = read_typed(body(f'[{{"notes": [{notes}]}}]'), AUTO)
    return None if typed is None else [note.start for note in typed[0].notes]


def assert_read_alike(text: str) -> None:
    """That a string is read as `number` reads it, or as what is not finite, or not at all."""
    read = starts([json.dumps(text)])
    if read is not None:
        [start] = read
        assert number(text) == (None if start is None or not math.isfinite(start) else start)


def test_instruments_come_as_received() -> None:
    song = '[{"name": "Bass", "notes": [{"pitch": 60, "end": "1.25", "more": [1]}]}, {"name": 7, "notes": []}, {}]'
    assert read_typed(body(song), AUTO) == [
        TypedInstrument("Bass", [TypedNote(pitch=60.0, end=1.25)]),
        TypedInstrument(7),
        TypedInstrument(),
    ]


def test_no_short_string_is_read_otherwise() -> None:
    for length in range(5):
        for characters in product("019.eE+- n_", repeat=length):
            assert_read_alike("".join(characters))


@given(st.text() | st.from_regex(r"\A[+-]?[0-9]{0,30}\.?[0-9]{0,30}(e[+-]?[0-9]{0,4})?\Z"))
def test_no_string_is_read_otherwise(text: str) -> None:
    assert_read_alike(text)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80).map(float))
def test_a_double_is_read_to_the_last_bit(value: float) -> None:
    assert starts([repr(value), f'"{value!r}"', f"{value:.25e}", f'"{value:.25e}"']) == [value] * 4


@pytest.mark.parametrize(
    "instruments",
    [
        "7",
        "[7]",
        "[null]",
        "null",
        '"null"',
        '[{"notes": {}}]',
        '[{"notes": null}]',
        '[{"notes": "NULL"}]',
        '[{"notes": [7]}]',
        '[{"notes": [{"pitch": true}]}]',
        "[1e400",
        "[{}",
    ],
)
def test_what_is_not_as_documented_is_left_to_others(instruments: str) -> None:
    assert read_typed(body(instruments), AUTO) is None


@pytest.mark.parametrize("depth", [50, 70, 2000])
def test_what_is_too_deep_is_left_to_others(depth: int) -> None:
    read = read_typed(body('[{"more": ' + "[" * depth + "]" * depth + "}]"), AUTO)
    assert (read is None) == (depth > 50)
