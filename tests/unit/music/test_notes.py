"""Which notes stay: the table of drops, at, below and above its bounds."""

from __future__ import annotations

import math

import pytest

from workers.music.notes import Heard, read_notes
from workers.music.repairs import Repairs

GOOD: dict[str, object] = {"pitch": 60, "start": 1, "end": 2, "velocity": 0.5}


def dropped_as(note: object) -> str | None:
    """The code of the warning that the note is dropped with, or None where it stays."""
    repairs = Repairs()
    stay = read_notes([note], 0, repairs)
    warnings = repairs.warnings()
    assert len(stay) + len(warnings) == 1
    return warnings[0].code if warnings else None


def test_a_note_stays_as_it_was_sent() -> None:
    note = {"pitch": "61.0", "start": "0.5", "end": 2, "velocity": "0.25", "more": []}
    assert read_notes([None, note], 3, Repairs()) == [Heard((3, 1), 61, 0.5, 2.0, 0.25)]


@pytest.mark.parametrize("note", [None, True, 0, 1.5, "note", [], [60, 0, 1, 1]])
def test_what_is_no_object_is_dropped(note: object) -> None:
    assert dropped_as(note) == "not-an-object"


@pytest.mark.parametrize("field", ["pitch", "start", "end"])
@pytest.mark.parametrize("value", [None, True, False, "", "x", "NaN", math.inf, "1e400", [], {}])
def test_a_note_without_a_number_where_one_must_be_is_dropped(field: str, value: object) -> None:
    assert dropped_as(GOOD | {field: value}) == "not-a-number"
    assert dropped_as({key: kept for key, kept in GOOD.items() if key != field}) == "not-a-number"


@pytest.mark.parametrize(
    ("pitch", "code"),
    [
        (0, None),
        (-0.0, None),
        (127, None),
        (60.0, None),
        ("6e1", None),
        (60.5, "pitch-not-whole"),
        (127.00000000000001, "pitch-not-whole"),
        (-0.5, "pitch-not-whole"),
        (1e-300, "pitch-not-whole"),
        (1000.5, "pitch-not-whole"),
        (-1, "pitch-out-of-range"),
        (128, "pitch-out-of-range"),
        (1e300, "pitch-out-of-range"),
    ],
)
def test_a_pitch_is_a_whole_number_from_0_to_127(pitch: object, code: str | None) -> None:
    assert dropped_as(GOOD | {"pitch": pitch}) == code


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (0, 86400, None),
        (86400, 86400, None),
        (-86400, 1, None),
        (0, 86400.00000000001, "time-out-of-range"),
        (86400.00000000001, 86400.00000000001, "time-out-of-range"),
        (-86400.00000000001, 1, "time-out-of-range"),
        (1, -86401, "time-out-of-range"),
        (1e308, 1e308, "time-out-of-range"),
        (-1e308, 1e308, "time-out-of-range"),
    ],
)
def test_times_are_within_24_hours(start: float, end: float, code: str | None) -> None:
    assert dropped_as(GOOD | {"start": start, "end": end}) == code


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (1, 1, None),
        (0, 0, None),
        (-0.0, 0, None),
        (-1, 1e-300, None),
        (1, math.nextafter(1, 0), "negative-length"),
        (-1, -0.5, "negative-length"),
        (-1, -1, "negative-length"),
        (-1, 0, "negative-length"),
        (-1, -0.0, "negative-length"),
        (0, -1, "negative-length"),
    ],
)
def test_a_note_ends_after_zero_and_not_before_its_start(start: float, end: float, code: str | None) -> None:
    assert dropped_as(GOOD | {"start": start, "end": end}) == code


@pytest.mark.parametrize(
    ("velocity", "code"),
    [
        (1e-300, None),
        (1e300, None),
        ("x", None),
        (None, None),
        (math.inf, None),
        (False, None),
        (0, "silent-note"),
        (-0.0, "silent-note"),
        ("0", "silent-note"),
        (-1, "silent-note"),
        (-1e300, "silent-note"),
    ],
)
def test_a_velocity_that_is_a_number_is_above_zero(velocity: object, code: str | None) -> None:
    assert dropped_as(GOOD | {"velocity": velocity}) == code


def test_the_first_rule_that_matches_counts() -> None:
    wrong: dict[str, object] = {"pitch": 60.5, "start": 90000, "end": -1, "velocity": 0}
    assert dropped_as(wrong | {"end": None}) == "not-a-number"
    assert dropped_as(wrong) == "pitch-not-whole"
    assert dropped_as(wrong | {"pitch": 128}) == "pitch-out-of-range"
    assert dropped_as(wrong | {"pitch": 60}) == "time-out-of-range"
    assert dropped_as(wrong | {"pitch": 60, "start": 1}) == "negative-length"
    assert dropped_as(wrong | {"pitch": 60, "start": 1, "end": 1}) == "silent-note"


def test_notes_are_counted_as_received() -> None:
    repairs = Repairs()
    stay = read_notes([GOOD, 0, GOOD, 0, GOOD | {"pitch": -1}], 5, repairs)
    assert [note.place for note in stay] == [(5, 0), (5, 2)]
    found = [(warning.code, warning.count, warning.first) for warning in repairs.warnings()]
    assert found == [
        ("not-an-object", 2, "instruments[5].notes[1]"),
        ("pitch-out-of-range", 1, "instruments[5].notes[4]"),
    ]
