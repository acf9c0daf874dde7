"""From heard notes to ticks and MIDI velocities: the table of repairs, at, below and above its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.music.names import Sound
from workers.music.notes import Heard
from workers.music.parts import Part
from workers.music.repairs import Repairs
from workers.music.ticks import place_notes


def placed(
    *notes: tuple[float, float, float | None],
) -> tuple[list[tuple[int, int, int]], dict[str, tuple[int, str]]]:
    """The (start, end, velocity) of one instrument's notes in ticks, and its warnings by code."""
    heard = [Heard((0, index), 60, *note) for index, note in enumerate(notes)]
    repairs = Repairs()
    [result] = place_notes([Part(0, "", Sound(0), heard)], repairs)
    warnings = {warning.code: (warning.count, warning.first) for warning in repairs.warnings()}
    return [(note.start, note.end, note.velocity) for note in result], warnings


def velocities(*sent: float | None) -> tuple[list[int], dict[str, tuple[int, str]]]:
    notes, warnings = placed(*((0, 1, velocity) for velocity in sent))
    return [velocity for _, _, velocity in notes], warnings


@pytest.mark.parametrize(
    ("sent", "midi"),
    [
        (5e-324, 1),
        (0.001, 1),
        (1.49 / 127, 1),
        (1.5 / 127, 2),
        (63 / 127, 63),
        (0.5, 64),
        (91 / 127, 91),
        (126.4 / 127, 126),
        (126.6 / 127, 127),
        (1, 127),
        (1.5, 127),
        (2, 127),
    ],
)
def test_up_to_2_velocities_are_on_the_scale_to_1(sent: float, midi: int) -> None:
    assert velocities(sent) == ([midi], {})


def test_every_midi_velocity_survives_the_scale_to_1() -> None:
    assert velocities(*(midi / 127 for midi in range(1, 128))) == (list(range(1, 128)), {})


def test_one_velocity_above_2_puts_all_on_the_scale_to_127() -> None:
    sent = [1e-300, 0.5, 1, 1.49, 1.5, 2.0000000000000004, 126.5, 127, 127.5, 1e300]
    midi, warnings = velocities(*sent)
    assert midi == [1, 1, 1, 1, 2, 2, 127, 127, 127, 127]
    assert warnings == {"velocity-scale-127": (10, "instruments[0].notes[0]")}


def test_the_scale_is_the_whole_callbacks() -> None:
    quiet = Part(0, "", Sound(0), [Heard((0, 0), 60, 0, 1, 1.0)])
    loud = Part(1, "", Sound(0), [Heard((1, 0), 60, 0, 1, 90.0)])
    [[first], [second]] = place_notes([quiet, loud], Repairs())
    assert (first.velocity, second.velocity) == (1, 90)


def test_a_missing_velocity_is_100_on_either_scale() -> None:
    assert velocities(1, None, None) == (
        [127, 100, 100],
        {"velocity-missing": (2, "instruments[0].notes[1]")},
    )
    midi, warnings = velocities(64, None)
    assert midi == [64, 100]
    assert warnings == {
        "velocity-scale-127": (1, "instruments[0].notes[0]"),
        "velocity-missing": (1, "instruments[0].notes[1]"),
    }


@pytest.mark.parametrize(
    ("seconds", "tick"),
    [
        (0, 0),
        (0.49 / 960, 0),
        (0.5 / 960, 1),
        (1.49 / 960, 1),
        (1.5 / 960, 2),
        (0.036458333333333336, 35),
        (7.911458333333333, 7595),
        (86400, 82_944_000),
    ],
)
def test_a_time_is_rounded_to_the_nearest_tick(seconds: float, tick: int) -> None:
    [(start, _, _)], _ = placed((seconds, 86400.0, 1))
    assert start == tick


@given(st.integers(0, 86400 * 192))
def test_every_time_on_the_senders_grid_is_exact(step: int) -> None:
    [(start, _, _)], _ = placed((step / 192, step / 192, 1))
    assert start == step * 5


def test_a_start_before_zero_becomes_zero() -> None:
    notes, warnings = placed((-5e-324, 1, 1), (0, 1, 1), (-86400, 1, 1))
    assert notes == [(0, 960, 127)] * 3
    assert warnings == {"negative-start": (2, "instruments[0].notes[0]")}


def test_a_note_shorter_than_half_a_tick_lasts_a_tick() -> None:
    assert placed((1, 1.0001, 1), (0, 5e-324, 1)) == ([(960, 961, 127), (0, 1, 127)], {})
    notes, warnings = placed((-1, 5e-324, 1))
    assert notes == [(0, 1, 127)]
    assert list(warnings) == ["negative-start"]


def test_a_short_note_that_rounding_already_stretches_is_left_alone() -> None:
    assert placed((0.4 / 960, 0.6 / 960, 1)) == ([(0, 1, 127)], {})


def test_a_note_of_no_length_lasts_a_step_of_the_senders_grid() -> None:
    notes, warnings = placed((1, 1, 1), (0, 0, 1), (86400, 86400, 1))
    assert notes == [(960, 965, 127), (0, 5, 127), (82_944_000, 82_944_005, 127)]
    assert warnings == {"zero-length": (3, "instruments[0].notes[0]")}
