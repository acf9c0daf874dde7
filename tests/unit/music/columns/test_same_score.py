"""By columns and note by note: the same score, the same warnings in their order, the same refusals."""

from __future__ import annotations

import json
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midi_ingest import samples
from schemas.dialects import AUTO
from schemas.score import Score
from tests.unit.music.ways import by_columns, note_by_note
from tests.unit.schemas.dialects import senders
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.normalize import normalize
from workers.music.typed_body import read_typed

Text = st.SearchStrategy[str]

PITCHES: Final = st.integers(59, 62).map(str) | st.sampled_from(['"61"', "60.0", "6e1", "0", "127"])
TIMES: Final = st.integers(0, 12).map(lambda step: repr(step / 192)) | st.integers(0, 3000).map(
    lambda step: f'"{step / 192!r}"'
)
QUIET: Final = st.sampled_from(["1", "0.5", '"0.4961"', "1.5", "0.001", "2"])
LOUD: Final = st.sampled_from(["2.0000000000000004", "64", "126.5", "127", "200", '"90"'])
ODD: Final = st.sampled_from(
    [
        *(
            "0",
            "-0",
            "-0.0",
            '"-0"',
            "5e-324",
            "-5e-324",
            "1e-400",
            "60.5",
            "127.00000000000001",
            "128",
            "-1",
        ),
        *("86400", "86400.00000000001", "-86400", "-86400.00000000001", "1e308", "-1e308", '"1e308"', "1e22"),
        *("18446744073709551616", '"NaN"', '"Infinity"', '"-inf"', '"null"', "null", '"1E2"', '"0.5e-3"'),
        *("-0.001", "0.0010416666666666667", '"0.0005208333333333333"', "0.0005", "0.0001"),
    ]
)
"""What the rules drop or mend; the typed decode takes all of it."""
REFUSED: Final = st.sampled_from(
    [
        *("true", "[]", "{}", '""', '"x"', "1e400", '"1e400"', "9" * 400, '" 7 "', '"+7"', '".5"', '"7."'),
        *('"007"', '"1_0"', '"١"', r'"\ud800"', "NaN", "01", ""),
    ]
)
"""What the typed decode does not take."""
UNKNOWN: Final = st.tuples(
    st.sampled_from(["more", "Pitch"]), st.sampled_from(["1", "[{}]", "1e400", r'"\u00e9"', '"é"'])
)


def notes(times: Text, velocities: Text, odd: Text) -> Text:
    """Notes whose fields are in any order, some odd, some twice, some absent, some unknown."""
    field = st.sampled_from(["pitch", r"p\u0069tch", "start", "end", "velocity"])
    fields = st.tuples(PITCHES, times, times, velocities).map(
        lambda values: list(zip(("pitch", "start", "end", "velocity"), values, strict=True))
    )
    changed = st.tuples(fields, st.lists(st.tuples(field, odd) | UNKNOWN, max_size=2), st.integers(0, 5)).map(
        lambda parts: (parts[0] + parts[1])[parts[2] // 4 :]
    )
    return (fields | fields | changed).map(
        lambda pairs: "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"
    )


NAMES: Final = st.sampled_from(
    ["Drums", "Kit", "Violin", "Viola", "Piano", "Organ", "Tuba", "Koto", "Gunshot", "Flute", "Oboe", "Choir"]
).map(json.dumps) | st.sampled_from(['""', '"?"', "7", "null", '["Violin"]', r'"\u00e9"', '"鋼琴"', '"null"'])


def songs(note: Text, instruments: int) -> Text:
    """Arrays of instruments."""
    of_it = st.lists(note, max_size=6).map(lambda each: f"[{', '.join(each)}]") | st.just("null")
    fields = st.tuples(NAMES, of_it).map(lambda both: f'{{"name": {both[0]}, "notes": {both[1]}}}')
    return st.lists(fields | st.just("{}"), max_size=instruments).map(lambda each: f"[{', '.join(each)}]")


def body(instruments: str) -> bytes:
    return f'{{"task_id": "t", "code": 200, "data": {{"instruments": {instruments}}}}}'.encode()


CLEAN: Final = songs(notes(TIMES, QUIET, PITCHES), 30)
DIRTY: Final = songs(notes(TIMES | ODD, QUIET | ODD | LOUD, ODD), 8)
REFUSALS: Final = songs(notes(TIMES, QUIET, REFUSED), 4)


def both(text: bytes, dialect: str = AUTO) -> tuple[Score | str, Score | str]:
    with by_columns():
        columns = scored(text, dialect)
    with note_by_note():
        return columns, scored(text, dialect)


def scored(text: bytes, dialect: str) -> Score | str:
    try:
        return normalize(text, "a-task", dialect=dialect)
    except (InvalidPayload, TooLarge) as error:
        return f"{type(error).__name__}: {error}"


@settings(max_examples=200, deadline=None)
@given(CLEAN | DIRTY)
def test_whatever_the_columns_take_is_the_same_score(instruments: str) -> None:
    assert read_typed(body(instruments), AUTO) is not None
    columns, reference = both(body(instruments))
    assert columns == reference


@settings(max_examples=100, deadline=None)
@given(REFUSALS | st.text(max_size=40))
def test_what_the_columns_refuse_is_read_as_ever(instruments: str) -> None:
    columns, reference = both(body(instruments))
    assert columns == reference


BY_HAND: Final = {
    "nothing": "[]",
    "null": "null",
    "codes in the order of their first places": """[{"name": "Flute", "notes": [
        {"pitch": 60, "start": 0, "end": 0, "velocity": null}, {"pitch": 60, "start": -1, "end": 1, "velocity": 64},
        {"pitch": 60, "start": 2, "end": 1}, {"pitch": 0.5}, {"pitch": 128, "start": 0, "end": 0}]},
        {"name": "?"}, {"notes": []}]""",
    "codes in the order of their tracks": """[
        {"name": "Flute", "notes": [{"pitch": 1, "start": 0, "end": 2}, {"pitch": 1, "start": 1, "end": 2}]},
        {"name": "Violin", "notes": [{"pitch": 1, "start": 0, "end": 2}, {"pitch": 1, "start": 0, "end": 3}]}]""",
    "1,025 instruments": "[" + "{}," * 1024 + "{}]",
    "a deep name": '[{"name": ' + "[" * 200 + "]" * 200 + "}]",
    "too deep a name": '[{"name": ' + "[" * 2000 + "]" * 2000 + "}]",
    "too deep a field": '[{"more": ' + '{"a":' * 2000 + "1" + "}" * 2000 + "}]",
}


@pytest.mark.parametrize("instruments", BY_HAND.values(), ids=BY_HAND)
def test_songs_by_hand_are_the_same_score_or_refusal(instruments: str) -> None:
    columns, reference = both(body(instruments))
    assert columns == reference


@pytest.mark.parametrize("rest", [b"\xff", b"\xed\xa0\x80", b'", "x\xff": "'])
def test_what_is_not_utf_8_is_refused_wherever_it_stands(rest: bytes) -> None:
    columns, reference = both(body("[]").replace(b'"t"', b'"t", "msg": "' + rest + b'"'))
    assert columns == reference
    assert isinstance(columns, str)


@pytest.mark.parametrize("sender", senders.SENDERS)
@pytest.mark.parametrize("named", ["its own", AUTO, *senders.SENDERS])
def test_every_dialect_is_found_or_refused_alike(sender: str, named: str) -> None:
    song = json.loads(samples.song("a1", 20))["data"]["instruments"]
    columns, reference = both(senders.success(sender, song), sender if named == "its own" else named)
    assert columns == reference


@pytest.mark.parametrize("text", senders.MIXTURES)
def test_every_mixture_of_dialects_is_read_alike(text: bytes) -> None:
    columns, reference = both(text)
    assert columns == reference


@pytest.mark.parametrize("data", ["[]", "[{}, {}]", "[[]]", "[7]", "null", "7", "[null]", "{}"])
@pytest.mark.parametrize("success", ["true", "null", "[]"])
def test_data_of_any_shape_is_read_or_refused_alike(data: str, success: str) -> None:
    columns, reference = both(f'{{"success": {success}, "task_id": "a1", "data": {data}}}'.encode())
    assert columns == reference


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_body_with_a_wrong_byte_is_read_or_refused_alike(data: st.DataObject) -> None:
    text = samples.song("a1", 3)
    position = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.sampled_from(b'{}[]",:0.e-+tn\\ \xff\x00'))
    columns, reference = both(text[:position] + bytes((byte,)) + text[position + 1 :])
    assert columns == reference


def test_a_long_song_is_the_same_score() -> None:
    columns, reference = both(samples.song("a1", 20_000))
    assert columns == reference
