"""Whatever comes as a body: by both ways the same score, record and file, or the same of two refusals; nothing else.

`make fuzz` looks further, guided by coverage.
"""

from __future__ import annotations

import json
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import TOKENS, seeds
from tests.fuzz.target import check
from tests.unit.music.whole_way import both_ways

JUNK: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["1.5", "-2", "1e400", "60", " 7 ", "null", "NULL", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
TIMES = st.integers(-2, 12).map(lambda step: step / 192) | st.sampled_from([0.0001, "0.03125", 86400, 86401])
NOTES = st.fixed_dictionaries(
    {"pitch": st.integers(59, 61) | JUNK, "start": TIMES | JUNK, "end": TIMES | JUNK},
    optional={"velocity": st.sampled_from([1, 0.5, "0.25", 0, 63 / 127, 100]) | JUNK},
)
NAMES = st.sampled_from(
    ["Drums", "Kit", "Violin", "Viola", "Lead Guitar", "Gunshot", "Koto", "", "?"]
) | st.text(max_size=5)
INSTRUMENTS = st.fixed_dictionaries(
    {}, optional={"name": NAMES | JUNK, "notes": st.lists(NOTES | JUNK, max_size=5) | JUNK}
)
BODIES = st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"instruments": st.lists(INSTRUMENTS | JUNK, max_size=25)})}
)
"""Any JSON at any place of a callback."""

SEEDS: Final = tuple(seeds())


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good body, some of whose bytes are changed, lost, repeated, or another body's."""
    body = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        end, begin = draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))
        new = draw(st.sampled_from([b"", *(token.encode() for token in TOKENS)]) | st.binary(max_size=3))
        rests = (b"", body[begin:], body[end:], body[end + 1 :], draw(st.sampled_from(SEEDS))[begin:])
        body = body[:end] + new + draw(st.sampled_from(rests))
    return body


@pytest.mark.parametrize("body", SEEDS)
def test_where_the_fuzzer_starts(body: bytes) -> None:
    check(body)


@settings(max_examples=150)
@given(BODIES | JUNK)
def test_any_json(body: object) -> None:
    both_ways(json.dumps(body).encode())


@settings(max_examples=150)
@given(st.sampled_from(SEEDS), st.integers(0, 1 << 60))
def test_json_some_of_whose_values_are_others(body: bytes, seed: int) -> None:
    check(mutated(body, seed) or body)


@settings(max_examples=200)
@given(broken())
def test_bytes_that_were_a_body(body: bytes) -> None:
    check(body)


@settings(max_examples=100)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_that_are_no_callback_are_refused(body: bytes) -> None:
    outcome = both_ways(body)
    assert isinstance(outcome, str)
    assert outcome.startswith("InvalidPayload")
