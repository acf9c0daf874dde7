"""Repeats and overlaps of one pitch in one track."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.music.overlaps import settle
from workers.music.repairs import Repairs
from workers.music.ticks import Placed

Row = tuple[int, int, int, int]


def settled(*rows: Row) -> tuple[list[Row], dict[str, tuple[int, str]]]:
    """What is left of notes given as (start, end, pitch, velocity), and the warnings by code."""
    notes = [
        Placed((0, index), pitch, start, end, velocity)
        for index, (start, end, pitch, velocity) in enumerate(rows)
    ]
    repairs = Repairs()
    left = [(note.start, note.end, note.pitch, note.velocity) for note in settle(notes, repairs)]
    return left, {warning.code: (warning.count, warning.first) for warning in repairs.warnings()}


def test_notes_are_sorted_by_start_then_pitch() -> None:
    rows = [(5, 9, 60, 1), (0, 9, 64, 1), (0, 9, 62, 1)]
    assert settled(*rows) == ([(0, 9, 62, 1), (0, 9, 64, 1), (5, 9, 60, 1)], {})


def test_a_repeated_note_becomes_one_with_the_later_end_and_the_louder_velocity() -> None:
    left, warnings = settled((0, 10, 60, 90), (5, 7, 61, 1), (0, 30, 60, 20), (0, 20, 60, 99))
    assert left == [(0, 30, 60, 99), (5, 7, 61, 1)]
    assert warnings == {"repeated-note": (2, "instruments[0].notes[2]")}


def test_an_overlap_ends_where_the_later_note_starts() -> None:
    left, warnings = settled((10, 30, 60, 1), (0, 100, 60, 2), (20, 25, 60, 3))
    assert left == [(0, 10, 60, 2), (10, 20, 60, 1), (20, 25, 60, 3)]
    assert warnings == {"overlap-trimmed": (2, "instruments[0].notes[0]")}


def test_repeats_are_merged_before_overlaps_are_trimmed() -> None:
    left, warnings = settled((0, 5, 60, 1), (10, 20, 60, 1), (0, 15, 60, 1))
    assert left == [(0, 10, 60, 1), (10, 20, 60, 1)]
    assert warnings == {
        "repeated-note": (1, "instruments[0].notes[2]"),
        "overlap-trimmed": (1, "instruments[0].notes[0]"),
    }


def test_notes_that_only_touch_and_notes_of_other_pitches_are_left_alone() -> None:
    rows = [(0, 10, 60, 1), (0, 20, 61, 1), (10, 20, 60, 1)]
    assert settled(*rows) == (rows, {})


def test_a_merged_note_stays_with_the_instrument_that_was_received_first() -> None:
    notes = [Placed((1, 0), 60, 0, 5, 1), Placed((2, 0), 60, 0, 9, 1)]
    assert [note.place for note in settle(notes, Repairs())] == [(1, 0)]


ROWS = st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(60, 62), st.integers(1, 127))


@given(st.lists(ROWS, max_size=30))
def test_no_pitch_sounds_twice_and_none_sounds_that_did_not_before(rows: list[Row]) -> None:
    notes = [(start, start + length, pitch, velocity) for start, length, pitch, velocity in rows]
    left, _ = settled(*notes)
    sounding = [(tick, pitch) for start, end, pitch, _ in left for tick in range(start, end)]
    assert len(sounding) == len(set(sounding))
    assert set(sounding) <= {(tick, pitch) for start, end, pitch, _ in notes for tick in range(start, end)}
    assert sorted((s, p) for s, _, p, _ in left) == sorted({(s, p) for s, _, p, _ in notes})
    assert all(start < end for start, end, _, _ in left)
