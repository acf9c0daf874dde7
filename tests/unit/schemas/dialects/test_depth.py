"""How deep JSON may be nested, whatever stands in its strings."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import MAX_DEPTH, NotJson, read_envelope
from schemas.dialects.depth import MAX_CONTAINERS, is_too_deep


def depth(document: object) -> int:
    """How many arrays and objects lie within each other."""
    match document:
        case dict():
            return 1 + max(map(depth, document.values()), default=0)
        case list():
            return 1 + max(map(depth, document), default=0)
        case _:
            return 0


def nested(levels: int, openings: str = "[") -> str:
    """So many arrays or objects within each other, of the kinds that ``openings`` repeats."""
    kinds = (openings * levels)[:levels]
    closings = "".join("]" if kind == "[" else "}" for kind in reversed(kinds))
    return "".join("[" if kind == "[" else '{"a":' for kind in kinds) + "0" + closings


TOWERS = st.builds(nested, st.integers(1, 80), st.sampled_from(["[", "{", "[{", "{{["])).map(json.loads)
TEXTS = st.text(st.sampled_from('[]{}"\\a,:/é\n'), max_size=80)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    TEXTS | TOWERS | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_depth_is_counted_outside_strings_only(
    document: object, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    assert is_too_deep(body) is (depth(document) > MAX_DEPTH)


@pytest.mark.parametrize("openings", ["[", "{", "[{"])
@pytest.mark.parametrize(
    "around",
    [
        "%s",
        "[%s, [[]], {}]",
        '{"' + "[" * 200 + '": %s}',
        '{"' + "}" * 200 + '": %s}',
        '{"' + r"\"[{\\" * 50 + '": %s}',
        "[" + "{}, " * 500 + "%s" + ", []" * 500 + "]",
    ],
)
def test_64_levels_are_read_and_65_are_not(around: str, openings: str) -> None:
    outside = 0 if around == "%s" else 1
    assert not is_too_deep((around % nested(64 - outside, openings)).encode())
    assert is_too_deep((around % nested(65 - outside, openings)).encode())


NOTES = [{"pitch": 60, "start": 0, "end": 1, "velocity": 1}] * 100
SONG: dict[str, Any] = {"instruments": [{"name": "a", "notes": NOTES}, {"notes": NOTES}, {"notes": None}, {}]}
PLACES: dict[str, Callable[[object], object]] = {
    "beside the data": lambda tower: {"task_id": "a1", "more": tower, "data": SONG},
    "in a field that stays raw": lambda tower: {"task_id": "a1", "msg": tower, "data": SONG},
    "in the data": lambda tower: {"task_id": "a1", "data": {**SONG, "more": tower}},
    "in an array of one": lambda tower: {"task_id": "a1", "data": [{**SONG, "more": tower}]},
    "in an array of two": lambda tower: {"task_id": "a1", "data": [SONG, tower]},
    "in an instrument": lambda tower: {
        "task_id": "a1",
        "data": {"instruments": [{"x": tower, "notes": NOTES}]},
    },
    "in a note": lambda tower: {
        "data": {"taskId": "a1", "instruments": [{"notes": [*NOTES, {"pitch": tower}]}]}
    },
    "among the notes": lambda tower: {"task_id": "a1", "data": {"instruments": [{"notes": [*NOTES, tower]}]}},
    "among the instruments": lambda tower: {
        "task_id": "a1",
        "data": {"instruments": [{"notes": NOTES}, tower]},
    },
    "instead of the data": lambda tower: {"task_id": "a1", "data": tower},
}


@given(st.sampled_from(list(PLACES)), st.integers(50, 75), st.sampled_from(["[", "{", "[{", "{{["]))
def test_a_callback_is_read_unless_it_is_nested_deeper_than_64_wherever_that_is(
    place: str, levels: int, openings: str
) -> None:
    callback = PLACES[place](json.loads(nested(levels, openings)))
    too_deep = pytest.raises(NotJson, match=r"^The body is nested deeper than 64\.$")
    with too_deep if depth(callback) > MAX_DEPTH else nullcontext():
        read_envelope(json.dumps(callback).encode())


def test_notes_within_notes_count_as_deep_as_they_lie() -> None:
    song: dict[str, object] = SONG
    for _ in range(16):
        song = {"instruments": [{"notes": [*NOTES, {"x": song}]}]}
    with pytest.raises(NotJson, match="deeper than 64"):
        read_envelope(json.dumps({"task_id": "a1", "data": song}).encode())


@pytest.mark.parametrize("levels", [65, 500, 100_000])
def test_what_is_too_deep_is_refused_before_what_else_is_wrong(levels: int) -> None:
    with pytest.raises(NotJson, match="deeper than 64"):
        read_envelope(b'{"code": "x", "data": %s}' % nested(levels).encode())


MIB = 2**20
EMPTY = ["{}", "[]", '{"notes":[{}]}', "[[[[]]]]"]
FULL_OF = {
    "notes": b'{"task_id": "a1", "data": {"instruments": [{"notes": [%s]}]}}',
    "instruments": b'{"task_id": "a1", "data": {"instruments": [%s]}}',
    "songs": b'{"task_id": "a1", "data": [%s]}',
    "anything": b'{"task_id": "a1", "msg": [%s]}',
}


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("place", FULL_OF)
def test_a_body_of_empty_arrays_and_objects_is_refused_before_it_is_decoded(place: str, empty: str) -> None:
    body = FULL_OF[place] % b",".join([empty.encode()] * (8 * MIB // (len(empty) + 1)))
    with pytest.raises(NotJson, match=r"^The body has more than 262,144 arrays and objects\.$"):
        read_envelope(body)


def test_262144_arrays_and_objects_are_read_and_one_more_is_not() -> None:
    others = 5
    note = b'{"pitch": 1}'
    most = b",".join([note] * (MAX_CONTAINERS - others))
    assert read_envelope(FULL_OF["notes"] % most).task_id == "a1"
    with pytest.raises(NotJson, match="more than 262,144"):
        read_envelope(FULL_OF["notes"] % (most + b"," + note))


def test_brackets_in_strings_are_no_arrays_and_objects() -> None:
    body = b'{"task_id": "a1", "msg": "%s"}' % (b"[{" * MAX_CONTAINERS)
    assert read_envelope(body).task_id == "a1"
