"""Times: rounded to ticks, starts before zero, and notes that last no tick, at, below and above the bounds."""

from __future__ import annotations

from math import floor, inf, nextafter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.music.rules.songs import Found, note, played

LEAST = nextafter(0.0, 1.0)
DAY_TICKS = 86400 * 960


def placed(start: float, end: float) -> tuple[tuple[int, int], Found]:
    """Where a note is in ticks, and the warnings."""
    [one], warnings = played(note(start=repr(start), end=repr(end)))
    return (one.start, one.end), warnings


HALVES = [0.5 / 960, 1.5 / 960, 2.5 / 960, 1000.5 / 960, 0.5, 3600.5 / 960, (DAY_TICKS - 960.5) / 960]


@pytest.mark.parametrize("half", HALVES)
def test_around_half_a_tick_a_time_is_rounded_as_doubles_are(half: float) -> None:
    for seconds in (nextafter(half, 0), half, nextafter(half, inf)):
        tick = floor(seconds * 960 + 0.5)
        assert placed(seconds, 86400)[0] == (tick, DAY_TICKS)
        assert placed(0, seconds)[0] == (0, tick or 1)


@pytest.mark.parametrize(
    ("seconds", "tick"),
    [
        (0, 0),
        (0.0005, 0),
        (0.5 / 960, 1),
        (0.0006, 1),
        (1 / 960, 1),
        (0.00156, 1),
        (1.5 / 960, 2),
        (86400, DAY_TICKS),
    ],
)
def test_a_time_is_rounded_to_the_nearest_tick(seconds: float, tick: int) -> None:
    assert placed(seconds, 86400)[0][0] == tick


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 86400 * 192 - 1))
def test_every_time_on_the_senders_grid_is_exact(step: int) -> None:
    assert placed(step / 192, (step + 1) / 192) == ((step * 5, step * 5 + 5), {})


@pytest.mark.parametrize(
    ("start", "early"), [(-86400, 1), (-1, 1), (-LEAST, 1), (-0.0, 0), (0, 0), (LEAST, 0)]
)
def test_a_start_before_zero_becomes_zero(start: float, early: int) -> None:
    ticks, warnings = placed(start, 1)
    assert ticks == (0, 960)
    assert warnings == ({"negative-start": (1, "instruments[0].notes[0]")} if early else {})


@pytest.mark.parametrize("start", [0, 1 / 192, 1, 3600.1, 86400])
def test_a_note_of_no_length_lasts_5_ticks(start: float) -> None:
    ticks, warnings = placed(start, start)
    assert ticks == (floor(start * 960 + 0.5), floor(start * 960 + 0.5) + 5)
    assert warnings == {"zero-length": (1, "instruments[0].notes[0]")}


@pytest.mark.parametrize("start", [0, 1 / 192, 1, 3600.1, nextafter(86400, 0)])
def test_a_note_that_is_the_least_longer_lasts_a_tick(start: float) -> None:
    ticks, warnings = placed(start, nextafter(start, inf))
    assert ticks == (floor(start * 960 + 0.5), floor(start * 960 + 0.5) + 1)
    assert warnings == {}


@pytest.mark.parametrize(
    ("start", "end", "ticks"),
    [
        *((1, 1 + 0.49 / 960, (960, 961)), (1, 1 + 0.51 / 960, (960, 961)), (1, 1 + 1.49 / 960, (960, 961))),
        *((1, 1 + 1.51 / 960, (960, 962)), (0.4 / 960, 0.6 / 960, (0, 1)), (0.6 / 960, 1.4 / 960, (1, 2))),
    ],
)
def test_a_short_note_lasts_what_rounding_leaves_or_a_tick(
    start: float, end: float, ticks: tuple[int, int]
) -> None:
    assert placed(start, end) == (ticks, {})


@pytest.mark.parametrize("start", [-1, -0.4 / 960, -LEAST])
def test_what_is_left_of_a_note_that_began_before_zero_lasts_a_tick_at_least(start: float) -> None:
    for end in (LEAST, 0.4 / 960, 0.6 / 960, 1 / 960):
        assert placed(start, end) == ((0, 1), {"negative-start": (1, "instruments[0].notes[0]")})


def test_each_repair_is_counted_with_the_first_path() -> None:
    early, empty = note(pitch="1", start="-1"), note(pitch="2", start="1")
    _, warnings = played(note(), early, empty, note(pitch="3", start="-2"), note(pitch="4", start="1"))
    assert warnings == {
        "negative-start": (2, "instruments[0].notes[1]"),
        "zero-length": (2, "instruments[0].notes[2]"),
    }
