"""Which notes are dropped: each row of the table at, below and above its bounds, and the first that matches."""

from __future__ import annotations

from math import inf, nextafter

import pytest

from tests.unit.music.rules.songs import A_SECOND, dropped_as, found, instrument, note, played, scored

DAY = 86400.0
ABOVE_A_DAY = nextafter(DAY, inf)
LEAST = nextafter(0.0, 1.0)


@pytest.mark.parametrize(
    "value", ["null", "true", "false", "0", "60", "1.5", '""', '"note"', "[]", "[60, 0, 1, 1]"]
)
def test_what_is_no_object_is_dropped(value: str) -> None:
    assert dropped_as(value) == "not-an-object"


def test_an_empty_object_is_a_note_without_numbers() -> None:
    assert dropped_as("{}") == "not-a-number"


@pytest.mark.parametrize(
    ("pitch", "code"),
    [
        *((0.0, None), (-0.0, None), (1.0, None), (126.0, None), (127.0, None)),
        *((-1.0, "pitch-out-of-range"), (128.0, "pitch-out-of-range"), (-1e308, "pitch-out-of-range")),
        *((256.0, "pitch-out-of-range"), (2.0**53, "pitch-out-of-range"), (1e308, "pitch-out-of-range")),
        *((LEAST, "pitch-not-whole"), (-LEAST, "pitch-not-whole"), (60.5, "pitch-not-whole")),
        *((nextafter(60, 0), "pitch-not-whole"), (nextafter(60, inf), "pitch-not-whole")),
        *((nextafter(127, 0), "pitch-not-whole"), (nextafter(127, inf), "pitch-not-whole")),
        *((nextafter(128, 0), "pitch-not-whole"), (nextafter(-1, 0), "pitch-not-whole")),
    ],
)
def test_a_pitch_is_whole_and_within_0_and_127(pitch: float, code: str | None) -> None:
    assert dropped_as(note(pitch=repr(pitch))) == code


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        *((0.0, nextafter(DAY, 0), None), (0.0, DAY, None), (0.0, ABOVE_A_DAY, "time-out-of-range")),
        *((DAY, DAY, None), (ABOVE_A_DAY, ABOVE_A_DAY, "time-out-of-range")),
        *((nextafter(-DAY, 0), 1.0, None), (-DAY, 1.0, None), (-ABOVE_A_DAY, 1.0, "time-out-of-range")),
        *((-DAY, -DAY, "negative-length"), (-ABOVE_A_DAY, -ABOVE_A_DAY, "time-out-of-range")),
        *((1.0, -DAY, "negative-length"), (1.0, -ABOVE_A_DAY, "time-out-of-range")),
        *((1e308, 1e308, "time-out-of-range"), (-1e308, 1e308, "time-out-of-range")),
    ],
)
def test_times_are_within_24_hours(start: float, end: float, code: str | None) -> None:
    assert dropped_as(note(start=repr(start), end=repr(end))) == code


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        *((1.0, 1.0, None), (1.0, nextafter(1, inf), None), (1.0, nextafter(1, 0), "negative-length")),
        *((DAY, nextafter(DAY, 0), "negative-length"), (0.0, LEAST, None), (0.0, -LEAST, "negative-length")),
        *((-1.0, LEAST, None), (-1.0, 0.0, "negative-length"), (-1.0, -0.0, "negative-length")),
        *((-1.0, -LEAST, "negative-length"), (-LEAST, LEAST, None), (-LEAST, 0.0, "negative-length")),
        *(
            (-LEAST, -LEAST, "negative-length"),
            (0.0, 0.0, None),
            (-0.0, 0.0, None),
            (0.0, -0.0, None),
            (-0.0, -0.0, None),
        ),
    ],
)
def test_a_note_ends_after_zero_and_not_before_its_start(start: float, end: float, code: str | None) -> None:
    assert dropped_as(note(start=repr(start), end=repr(end))) == code


@pytest.mark.parametrize(
    ("velocity", "code"),
    [
        *(
            ("5e-324", None),
            ("1e308", None),
            ("0", "silent-note"),
            ("-0", "silent-note"),
            ("-0.0", "silent-note"),
        ),
        *(
            ('"0"', "silent-note"),
            ("1e-400", "silent-note"),
            ("-5e-324", "silent-note"),
            ("-1e308", "silent-note"),
        ),
        *(
            ("", None),
            ("null", None),
            ("false", None),
            ("-1e400", None),
            ('"-inf"', None),
            ('"-x"', None),
            ("[]", None),
        ),
    ],
)
def test_a_velocity_that_is_a_number_is_above_zero(velocity: str, code: str | None) -> None:
    assert dropped_as(note(velocity=velocity)) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"pitch": "60.5", "end": "null"}, "not-a-number"),
        ({"pitch": "60.5", "start": "true"}, "not-a-number"),
        ({"pitch": "128", "start": '"x"'}, "not-a-number"),
        ({"pitch": "128.5"}, "pitch-not-whole"),
        ({"pitch": "-0.5", "end": "90000"}, "pitch-not-whole"),
        ({"pitch": "-1", "end": "90000"}, "pitch-out-of-range"),
        ({"start": "90000", "end": "-1"}, "time-out-of-range"),
        ({"start": "-90000", "end": "-1"}, "time-out-of-range"),
        ({"start": "2", "velocity": "0"}, "negative-length"),
        ({"end": "-1", "velocity": "-1"}, "negative-length"),
        ({"start": "-1", "end": "0", "velocity": "0"}, "negative-length"),
        ({"start": "-1", "velocity": "0"}, "silent-note"),
        ({"end": "0", "velocity": "0"}, "silent-note"),
    ],
)
def test_of_two_rules_that_match_the_first_counts(fields: dict[str, str], code: str) -> None:
    assert dropped_as(note(**fields)) == code


def test_each_is_counted_with_the_first_path_as_received_and_costs_no_other_note() -> None:
    bad = [note(pitch="0.5"), note(pitch="128"), note(start="90000"), note(end="-1"), note(velocity="0")]
    score = scored(
        instrument(note(), *bad), instrument(), instrument(*bad, "{}", note(), "{}"), instrument("7")
    )
    assert [list(one.notes) for one in score.instruments] == [[A_SECOND], [], [A_SECOND], []]
    assert found(score) == {
        "pitch-not-whole": (2, "instruments[0].notes[1]"),
        "pitch-out-of-range": (2, "instruments[0].notes[2]"),
        "time-out-of-range": (2, "instruments[0].notes[3]"),
        "negative-length": (2, "instruments[0].notes[4]"),
        "silent-note": (2, "instruments[0].notes[5]"),
        "no-notes": (1, "instruments[1]"),
        "not-a-number": (2, "instruments[2].notes[5]"),
        "not-an-object": (1, "instruments[3].notes[0]"),
    }


def test_a_dropped_note_leads_to_no_repair() -> None:
    bad = [
        note(pitch="0.5", velocity="90"),
        note(start="-1", end="0"),
        note(end="0", velocity="0"),
        note(end="null"),
    ]
    assert played(note(velocity="0.5"), *bad)[0] == [A_SECOND._replace(velocity=64)]
    assert set(played(note(), *bad)[1]) == {
        "pitch-not-whole",
        "negative-length",
        "silent-note",
        "not-a-number",
    }
