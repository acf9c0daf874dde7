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
from tests.unit.music.bodies import CLEAN, DIRTY, REFUSALS, body
from tests.unit.music.ways import by_columns, note_by_note
from tests.unit.schemas.dialects import senders
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.normalize import normalize
from workers.music.typed_body import read_typed


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


@settings(max_examples=200)
@given(CLEAN | DIRTY)
def test_whatever_the_columns_take_is_the_same_score(instruments: str) -> None:
    assert read_typed(body(instruments), AUTO) is not None
    columns, reference = both(body(instruments))
    assert columns == reference


@settings(max_examples=100)
@given(REFUSALS | st.text(max_size=40))
def test_what_the_columns_refuse_is_read_as_ever(instruments: str) -> None:
    columns, reference = both(body(instruments))
    assert columns == reference


ONE_NOTE: Final = '{{"name": "Violin", "notes": [{{"pitch": {}, "start": {}, "end": {}}}]}}'
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
    "1,024 instruments with a note each": f"[{', '.join(ONE_NOTE.format(n % 128, n, n + 1) for n in range(1024))}]",
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
    columns, reference = both(body("[]").replace(b"success", b"success" + rest))
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


@pytest.mark.parametrize(
    "data", ["[]", "[{}, {}]", "[[]]", "[7]", "null", '"null"', "7", "[null]", '["null"]', "{}"]
)
@pytest.mark.parametrize("success", ["true", "null", "[]"])
def test_data_of_any_shape_is_read_or_refused_alike(data: str, success: str) -> None:
    columns, reference = both(f'{{"success": {success}, "task_id": "a1", "data": {data}}}'.encode())
    assert columns == reference


def test_a_long_song_is_the_same_score() -> None:
    columns, reference = both(samples.song("a1", 20_000))
    assert columns == reference
