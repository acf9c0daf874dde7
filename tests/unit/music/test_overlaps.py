"""What is left of repeats and overlaps, whatever notes meet; rules/test_meetings.py has each rule."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.music.overlaps import settle
from workers.music.repairs import Repairs
from workers.music.ticks import Placed

NOTES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(60, 62), st.integers(1, 127)), max_size=30
)


@given(NOTES)
def test_no_pitch_sounds_twice_and_none_sounds_that_did_not_before(
    rows: list[tuple[int, int, int, int]],
) -> None:
    notes = [
        Placed((0, n), pitch, start, start + length, loud)
        for n, (start, length, pitch, loud) in enumerate(rows)
    ]
    before = {(tick, note.pitch) for note in notes for tick in range(note.start, note.end)}
    begun = {(note.start, note.pitch) for note in notes}
    left = settle(notes, Repairs())
    sounding = [(tick, note.pitch) for note in left for tick in range(note.start, note.end)]
    assert len(sounding) == len(set(sounding))
    assert set(sounding) <= before
    assert [(note.start, note.pitch) for note in left] == sorted(begun)
    assert all(note.start < note.end for note in left)
