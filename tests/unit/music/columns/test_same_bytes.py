"""By columns and note by note: the same file, byte for byte, which is also mido's."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.score import Instrument, Note, Score
from tests.unit.music.ways import by_columns, note_by_note
from workers.music import mido_renderer, smf
from workers.music.columns.notes import Notes, columns_of

LONGEST_GAP: Final = (1 << 28) - 1


def score_of(*instruments: Instrument) -> Score:
    return Score(task_id="t1", duration=0, warnings=[], instruments=list(instruments))


def in_arrays(score: Score) -> Score:
    instruments = [
        Instrument(i.name, i.program, i.drums, i.channel, i.track, Notes(columns_of(i.notes)))
        for i in score.instruments
    ]
    return score_of(*instruments)


def assert_same_bytes(score: Score) -> None:
    with note_by_note():
        reference = smf.render(score)
    with by_columns():
        assert smf.render(score) == smf.render(in_arrays(score)) == reference
    assert mido_renderer.render(score) == mido_renderer.render(in_arrays(score)) == reference


TICKS: Final = (
    st.integers(0, 300)
    | st.integers(0, 20_000)
    | st.sampled_from([0x7F, 0x80, 0x3FFF, 0x4000, 0x4001, 0x1FFFFF, 0x200000, 82_944_005, LONGEST_GAP - 1])
)
NOTES: Final = st.builds(
    lambda start, length, pitch, velocity: Note(start, min(start + length, LONGEST_GAP), pitch, velocity),
    TICKS,
    st.integers(1, 20) | TICKS.filter(bool),
    st.integers(0, 127),
    st.integers(1, 127),
)
INSTRUMENTS: Final = st.builds(
    Instrument,
    st.just("Violin"),
    st.integers(0, 127),
    st.booleans(),
    st.none() | st.integers(1, 16),
    st.integers(1, 6),
    st.lists(NOTES, max_size=20),
)


@settings(max_examples=120)
@given(st.lists(INSTRUMENTS, max_size=8))
def test_any_score_is_the_same_file(instruments: list[Instrument]) -> None:
    assert_same_bytes(score_of(*instruments))


@pytest.mark.parametrize("tick", [LONGEST_GAP + 1, 1 << 40, 1 << 70])
def test_ticks_beyond_the_longest_gap_are_refused(tick: int) -> None:
    score = score_of(
        Instrument("", 0, False, 1, 1, [Note(0, 5, 60, 1), Note(tick, tick + 5, 60, 1)]),
        Instrument("", 0, False, 2, 2, [Note(0, 5, 61, 1), Note(7, 9, 62, 3)]),
    )
    for way in (by_columns, note_by_note):
        with way(), pytest.raises(OverflowError):
            smf.render(score)


def test_many_long_gaps_are_written() -> None:
    notes = [Note(n * 0x4000, n * 0x4000 + 0x3FFF, n % 128, 1 + n % 127) for n in range(5000)]
    assert_same_bytes(
        score_of(Instrument("", 0, False, 1, 1, notes), Instrument("", 0, True, 10, 2, notes[:9]))
    )


@pytest.mark.parametrize("count", [smf.COLUMNS_FROM_NOTES - 1, smf.COLUMNS_FROM_NOTES])
def test_the_border_between_the_ways_cannot_be_seen(count: int) -> None:
    notes = [Note(n * 7, n * 7 + 20, n % 128, 64) for n in range(count)]
    score = score_of(Instrument("", 0, False, 1, 1, notes))
    assert smf.render(score) == mido_renderer.render(score)
