"""A score's record is read by columns as it is one note at a time, whoever wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.score import Instrument, Note, Score
from schemas.score import Warning as ScoreWarning
from workers.music import score_record
from workers.music.columns.notes import Notes
from workers.music.score_record import ScoreRecord

TICKS: Final = st.integers(0, 90_000_000)
NOTES: Final = st.builds(
    Note, TICKS, TICKS.map(lambda tick: tick + 1), st.integers(0, 127), st.integers(1, 127)
)
INSTRUMENTS: Final = st.builds(
    Instrument,
    st.text(max_size=9),
    st.integers(0, 127),
    st.booleans(),
    st.none() | st.integers(1, 16),
    st.integers(1, 9),
    st.lists(NOTES, max_size=9),
)
SCORES: Final = st.builds(
    lambda warnings, instruments: Score(task_id="a1", duration=7, warnings=warnings, instruments=instruments),
    st.lists(st.builds(ScoreWarning, st.text(max_size=9), st.integers(), st.text(max_size=9)), max_size=2),
    st.lists(INSTRUMENTS, max_size=5),
)


def by_columns(value: bytes) -> ScoreRecord:
    with patch.object(score_record, "COLUMNS_FROM_BYTES", 0):
        return ScoreRecord.decode(value)


def outcome(decode: Callable[[bytes], Score], value: bytes) -> dict[str, object] | str:
    try:
        return msgspec.structs.asdict(decode(value))
    except msgspec.DecodeError as error:
        return f"{type(error).__name__}: {error}"


def assert_same(read: ScoreRecord, score: Score) -> None:
    assert msgspec.structs.asdict(read) == msgspec.structs.asdict(score)


@settings(max_examples=100)
@given(SCORES)
def test_what_normalize_writes_is_read_into_columns(score: Score) -> None:
    read = by_columns(score.encode())
    assert_same(read, score)
    assert all(isinstance(instrument.notes, Notes) for instrument in read.instruments)
    assert {type(instrument) for instrument in read.instruments} <= {Instrument}


def test_a_score_is_written_alike_as_a_record() -> None:
    score = Score(task_id="a1", duration=7, warnings=[ScoreWarning("x", 1, "y")], instruments=[])
    record = ScoreRecord.of(score)
    assert_same(record, score)
    assert record.encode() == score.encode()
    assert (record.topic, record.kind, record.version) == (score.topic, score.kind, score.version)


@settings(max_examples=50)
@given(SCORES, st.sampled_from([None, 1]))
def test_the_same_with_spaces_is_the_same_score(score: Score, indent: int | None) -> None:
    assert_same(by_columns(json.dumps(json.loads(score.encode()), indent=indent).encode()), score)


ONE: Final = '{"task_id": "a1", "duration": 9, "warnings": [], "instruments": [%s]}'
INSTRUMENT: Final = '{"name": "", "program": 0, "drums": false, "channel": 1, "track": 1, "notes": %s}'


@pytest.mark.parametrize(
    "notes",
    [
        *(
            "[]",
            "[[0,1,60,1]]",
            "[[0,1,60,1],[1,2,60,1]]",
            "[[0,268435456,60,1]]",
            "[[0,9223372036854775808,60,1]]",
        ),
        *(
            "null",
            "7",
            "{}",
            "[[]]",
            "[[0,1,60]]",
            "[[0,1,60,1,1]]",
            "[[0,1,60],[1,2,3,4,5]]",
            "[[0,1,60,[1]]]",
        ),
        *(
            "[[-1,1,60,1]]",
            "[[0,0,60,1]]",
            "[[0,1,128,1]]",
            "[[0,1,60,0]]",
            "[[0,1,60,128]]",
            "[[0,1,60,1.5]]",
        ),
        *(
            "[[0,1,60,1e0]]",
            "[[0,1,60,null]]",
            '[[0,1,60,"1"]]',
            "[[00,1,60,1]]",
            "[[,1,60,1]]",
            "[[0,1,60,1],]",
        ),
        *('"[[0,1,60,1]]"', "[[0,1,60,true]]", "[[0,1,60,1]", "[0,1,60,1]"),
    ],
)
def test_any_other_notes_are_read_or_refused_as_ever(notes: str) -> None:
    value = (ONE % (INSTRUMENT % notes)).encode()
    assert outcome(by_columns, value) == outcome(Score.decode, value)


@pytest.mark.parametrize("value", ["", "{", "[]", ONE % "7", ONE % "{}", '{"task_id": 7}'])
def test_what_is_no_score_is_refused_as_ever(value: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        by_columns(value.encode())


def test_a_field_that_a_later_version_adds_does_not_disturb() -> None:
    grown = ONE % (INSTRUMENT % "[[0,1,60,1]]").replace("{", '{"later": [1],') + " "
    assert by_columns(grown.encode()).instruments[0].notes == [Note(0, 1, 60, 1)]


def test_a_long_record_is_read_by_columns_and_a_short_one_is_not() -> None:
    notes = [Note(n, n + 1, 60, 1) for n in range(score_record.COLUMNS_FROM_BYTES // 8)]
    for chosen, kind in ((notes, Notes), (notes[:9], list)):
        instrument = Instrument("", 0, False, 1, 1, chosen)
        record = Score(task_id="a1", duration=7, warnings=[], instruments=[instrument]).encode()
        assert type(ScoreRecord.decode(record).instruments[0].notes) is kind
