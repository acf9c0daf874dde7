"""Notes of one pitch that meet in one track: repeats and overlaps, at, below and above a tick apart."""

from __future__ import annotations

import pytest

from schemas.score import Note
from tests.unit.music.rules.songs import Found, found, instrument, note, played, scored

Row = tuple[int, int, int, int]
"""A note's start and end in ticks, pitch, and velocity of 127."""


def sent(*rows: Row) -> list[str]:
    return [
        note(start=repr(s / 960), end=repr(e / 960), pitch=str(p), velocity=repr(v / 127))
        for s, e, p, v in rows
    ]


def left(*rows: Row) -> tuple[list[Row], Found]:
    notes, warnings = played(*sent(*rows))
    return [tuple(one) for one in notes], warnings  # type: ignore[misc]


FIRST: Row = (100, 200, 60, 64)


@pytest.mark.parametrize(
    ("second", "kept", "warnings"),
    [
        ((99, 200, 60, 64), [(99, 100, 60, 64), FIRST], {"overlap-trimmed": (1, "instruments[0].notes[1]")}),
        ((100, 200, 60, 64), [FIRST], {"repeated-note": (1, "instruments[0].notes[1]")}),
        (
            (101, 200, 60, 64),
            [(100, 101, 60, 64), (101, 200, 60, 64)],
            {"overlap-trimmed": (1, "instruments[0].notes[0]")},
        ),
        (
            (199, 300, 60, 64),
            [(100, 199, 60, 64), (199, 300, 60, 64)],
            {"overlap-trimmed": (1, "instruments[0].notes[0]")},
        ),
        ((200, 300, 60, 64), [FIRST, (200, 300, 60, 64)], {}),
        ((201, 300, 60, 64), [FIRST, (201, 300, 60, 64)], {}),
        ((100, 200, 59, 64), [(100, 200, 59, 64), FIRST], {}),
        ((100, 200, 61, 64), [FIRST, (100, 200, 61, 64)], {}),
        (
            (101, 102, 60, 64),
            [(100, 101, 60, 64), (101, 102, 60, 64)],
            {"overlap-trimmed": (1, "instruments[0].notes[0]")},
        ),
    ],
)
def test_two_notes_that_meet(second: Row, kept: list[Row], warnings: Found) -> None:
    assert left(FIRST, second) == (kept, warnings)


@pytest.mark.parametrize(("second_end", "end"), [(199, 200), (200, 200), (201, 201), (101, 200)])
@pytest.mark.parametrize(("second_velocity", "velocity"), [(63, 64), (64, 64), (65, 65), (127, 127)])
def test_a_repeat_leaves_the_later_end_and_the_louder_velocity(
    second_end: int, end: int, second_velocity: int, velocity: int
) -> None:
    kept, warnings = left(FIRST, (100, second_end, 60, second_velocity))
    assert kept == [(100, end, 60, velocity)]
    assert warnings == {"repeated-note": (1, "instruments[0].notes[1]")}


def test_starts_that_round_to_one_tick_are_repeats() -> None:
    notes, warnings = played(note(start="1.0004", end="1.5"), note(start="0.9996", end="2"))
    assert notes == [Note(960, 1920, 60, 127)]
    assert warnings == {"repeated-note": (1, "instruments[0].notes[1]")}


def test_repeats_are_merged_before_overlaps_are_trimmed() -> None:
    assert left((0, 5, 60, 1), (10, 20, 60, 1), (0, 15, 60, 1)) == (
        [(0, 10, 60, 1), (10, 20, 60, 1)],
        {"repeated-note": (1, "instruments[0].notes[2]"), "overlap-trimmed": (1, "instruments[0].notes[0]")},
    )


def test_a_note_is_trimmed_by_the_next_of_its_pitch_only() -> None:
    rows: list[Row] = [(0, 90, 60, 1), (10, 90, 61, 1), (20, 90, 60, 1), (30, 90, 61, 1), (40, 50, 60, 1)]
    assert left(*rows) == (
        [(0, 20, 60, 1), (10, 30, 61, 1), (20, 40, 60, 1), (30, 90, 61, 1), (40, 50, 60, 1)],
        {"overlap-trimmed": (3, "instruments[0].notes[0]")},
    )


def test_what_a_repair_made_longer_is_trimmed_too() -> None:
    notes, warnings = played(note(start="1", end="1"), note(start=repr(962 / 960), end="2"))
    assert notes == [Note(960, 962, 60, 127), Note(962, 1920, 60, 127)]
    assert set(warnings) == {"zero-length", "overlap-trimmed"}


def test_the_first_path_is_the_first_received_not_the_first_that_sounds() -> None:
    rows: list[Row] = [
        (500, 900, 60, 1),
        (600, 700, 60, 1),
        (0, 90, 60, 1),
        (10, 20, 60, 1),
        (10, 20, 60, 1),
        (600, 700, 60, 1),
    ]
    assert left(*rows)[1] == {
        "repeated-note": (2, "instruments[0].notes[4]"),
        "overlap-trimmed": (2, "instruments[0].notes[0]"),
    }


def test_notes_of_two_tracks_do_not_meet() -> None:
    score = scored(instrument(*sent(FIRST)), instrument(*sent(FIRST), name="Violin 2"))
    assert [list(one.notes) for one in score.instruments] == [[Note(*FIRST)], [Note(*FIRST)]]
    assert found(score) == {}


def test_late_notes_of_one_track_do_not_meet_early_ones_of_the_next() -> None:
    late: list[Row] = [(2**bit, 2**bit + 1, 60, 1) for bit in range(27)]
    score = scored(instrument(*sent(*late)), instrument(*sent((0, 1, 60, 1)), name="Flute"))
    assert [len(one.notes) for one in score.instruments] == [27, 1]
    assert found(score) == {}


def test_notes_are_sorted_by_start_then_pitch() -> None:
    kept, _ = left((5, 9, 60, 1), (0, 9, 64, 1), (0, 9, 62, 1), (4, 9, 127, 1), (4, 9, 0, 1))
    assert kept == sorted(kept, key=lambda row: (row[0], row[2]))


def test_the_song_lasts_until_its_last_end() -> None:
    score = scored(
        instrument(*sent((0, 900, 60, 1), (10, 20, 60, 1), (30, 40, 61, 1))), instrument(note(end="-1"))
    )
    assert score.duration == 40
    assert scored(instrument(note(end="0"))).duration == 5
