"""How pitches and times are written, and where an axis has its marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_ingest.inspection.labels import (
    clock_time,
    fine_step,
    mark_label,
    marks,
    pitch_name,
    short,
    time_step,
)


@pytest.mark.parametrize(
    ("pitch", "name"), [(0, "C-1"), (21, "A0"), (60, "C4"), (61, "C#4"), (108, "C8"), (127, "G9")]
)
def test_pitches_are_named_with_the_middle_c_as_c4(pitch: int, name: str) -> None:
    assert pitch_name(pitch) == name


@pytest.mark.parametrize(
    ("seconds", "written", "mark"),
    [
        (0, "0:00.00", "0 s"),
        (0.5, "0:00.50", "0.5 s"),
        (59.999, "1:00.00", "1:00"),
        (205.04, "3:25.04", "3:25"),
        (90.5, "1:30.50", "1:30.5"),
        (3805, "1:03:25.00", "1:03:25"),
        (3_600_000, "1,000:00:00.00", "1,000:00:00"),
    ],
)
def test_times_are_written_as_on_a_clock(seconds: float, written: str, mark: str) -> None:
    assert clock_time(seconds) == written
    assert mark_label(round(seconds, 1) if seconds < 3600 and seconds % 1 else seconds).startswith(mark)


@pytest.mark.parametrize(
    ("least", "step", "fine"),
    [(0, 0.1, 0.1), (0.11, 0.2, 0.2), (3, 5, 5), (61, 120, 120), (3600, 3600, 3600), (3601, 7200, 7200)],
)
def test_a_step_is_the_next_round_time(least: float, step: float, fine: float) -> None:
    assert time_step(least) == step
    assert fine_step(step, least) == fine


def test_a_fine_step_divides_the_step() -> None:
    assert [fine_step(step, 1.5) for step in (5, 10, 30, 60)] == [5, 2, 2, 2]


@given(st.floats(0, 1e18))
def test_an_axis_of_any_length_has_few_marks(seconds: float) -> None:
    step = time_step(seconds / 20)
    assert step >= seconds / 20
    found = list(marks(0, seconds, step))
    assert 1 <= len(found) <= 21
    assert all(0 <= mark <= seconds * 1.000001 + 1e-6 for mark in found)


def test_marks_are_multiples_within_a_time_its_ends_included() -> None:
    assert list(marks(15, 30, 5)) == [15, 20, 25, 30]
    assert list(marks(16, 29, 5)) == [20, 25]


def test_a_name_is_cut_by_the_cells_it_takes_and_steers_nothing() -> None:
    assert short("Violin", 6) == "Violin"
    assert short("Violins", 6) == "Violi…"
    assert short("日本語日本語", 6) == "日本…"
    assert short("a\nb\x1b[2J\u202e", 40) == "a b\\x1b[2J\\u202e"
