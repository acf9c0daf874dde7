"""Velocities: which scale a callback is on, and what becomes of each on it, at, below and above its bounds."""

from __future__ import annotations

from math import inf, nextafter

import pytest

from tests.unit.music.rules.songs import Found, found, instrument, note, played, scored


def velocities(*sent: float | str) -> tuple[list[int], Found]:
    """The MIDI velocities of notes one after the other, and the warnings."""
    notes = [note(start=str(n), end=str(n + 1), velocity=str(velocity)) for n, velocity in enumerate(sent)]
    left, warnings = played(*notes)
    return [one.velocity for one in left], warnings


def up(number: float) -> float:
    return nextafter(number, inf)


def down(number: float) -> float:
    return nextafter(number, 0)


@pytest.mark.parametrize(
    ("sent", "midi"),
    [
        *((5e-324, 1), (0.49 / 127, 1), (0.5 / 127, 1), (1 / 127, 1), (1.49 / 127, 1), (1.5 / 127, 2)),
        *((down(0.5), 63), (0.5, 64), (up(0.5), 64), (126.49 / 127, 126), (126.5 / 127, 127)),
        *((down(1), 127), (1, 127), (up(1), 127), (1.5, 127), (down(2), 127), (2, 127)),
    ],
)
def test_up_to_2_velocities_are_on_the_scale_to_1(sent: float, midi: int) -> None:
    assert velocities(sent) == ([midi], {})


@pytest.mark.parametrize(
    ("sent", "midi"),
    [
        *((5e-324, 1), (0.49, 1), (0.5, 1), (1, 1), (down(1.5), 1), (1.5, 2), (up(1.5), 2), (2, 2), (2.4, 2)),
        *((63, 63), (down(126.5), 126), (126.5, 127), (down(127), 127), (127, 127), (up(127), 127)),
        *((127.49, 127), (127.5, 127), (128, 127), (1000, 127), (1e308, 127)),
    ],
)
def test_with_any_above_2_all_are_on_the_scale_to_127(sent: float, midi: int) -> None:
    assert velocities(sent, 90) == ([midi, 90], {"velocity-scale-127": (2, "instruments[0].notes[0]")})


@pytest.mark.parametrize(("loudest", "quiet"), [(down(2), 127), (2.0, 127), (up(2), 1)])
def test_the_border_between_the_scales_is_2(loudest: float, quiet: int) -> None:
    assert velocities(1, loudest)[0][0] == quiet
    assert velocities(loudest, 1)[0][1] == quiet


def test_the_scale_is_the_whole_callbacks() -> None:
    score = scored(instrument(note(velocity="1")), instrument(note(velocity="2.5"), name="Flute"))
    assert [one.notes[0].velocity for one in score.instruments] == [1, 3]
    assert found(score) == {"velocity-scale-127": (2, "instruments[0].notes[0]")}


@pytest.mark.parametrize(
    "fields",
    [{"pitch": "128"}, {"pitch": "0.5"}, {"start": "9e4"}, {"end": "-1"}, {"end": "null"}],
)
def test_a_note_that_is_dropped_does_not_choose_the_scale(fields: dict[str, str]) -> None:
    left, warnings = played(note(velocity="0.5"), note(velocity="90", **fields))
    assert [one.velocity for one in left] == [64]
    assert "velocity-scale-127" not in warnings


@pytest.mark.parametrize(
    "missing", ["", "null", "true", "false", "[]", "{}", '""', '"x"', '"nan"', '"inf"', "1e400", '"1e400"']
)
def test_a_velocity_that_is_no_number_is_100_on_either_scale_and_chooses_none(missing: str) -> None:
    assert velocities(missing) == ([100], {"velocity-missing": (1, "instruments[0].notes[0]")})
    assert velocities(0.5, missing, missing) == (
        [64, 100, 100],
        {"velocity-missing": (2, "instruments[0].notes[1]")},
    )
    assert velocities(missing, 64, 0.5) == (
        [100, 64, 1],
        {
            "velocity-missing": (1, "instruments[0].notes[0]"),
            "velocity-scale-127": (2, "instruments[0].notes[1]"),
        },
    )


def test_every_midi_velocity_survives_on_both_scales() -> None:
    wanted = list(range(1, 128))
    assert velocities(*(midi / 127 for midi in wanted)) == (wanted, {})
    assert velocities(*wanted)[0] == wanted
