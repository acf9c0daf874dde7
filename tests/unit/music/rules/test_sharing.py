"""Channels and tracks, at 15 and 16 melodic instruments: by program, by family, and of 16 families."""

from __future__ import annotations

import pytest

from schemas.score import Note, Score
from tests.unit.music.rules.songs import found, instrument, note, scored, seats
from workers.music.tracks import tracks

MELODIC = [*range(1, 10), *range(11, 17)]


def band(*programs: int) -> list[str]:
    """An instrument of each program, with a note."""
    return [instrument(note(), name=f"program {program}") for program in programs]


def drums(name: str = "Drums") -> str:
    return instrument(note(), name=name)


def channels(score: Score) -> list[int | None]:
    return [channel for channel, _ in seats(score)]


@pytest.mark.parametrize("programs", [[40] * 14, [40] * 15, list(range(15)), [7, 7, *range(40, 53)]])
def test_up_to_15_instruments_have_a_channel_and_track_each(programs: list[int]) -> None:
    score = scored(*band(*programs))
    assert seats(score) == [
        (channel, track) for track, channel in enumerate(MELODIC[: len(programs)], start=1)
    ]
    assert [one.program for one in score.instruments] == programs
    assert found(score) == {}


def test_of_16_of_one_program_all_share() -> None:
    score = scored(*band(*[40] * 16))
    assert seats(score) == [(1, 1)] * 16
    assert found(score)["channels-shared"] == (16, "instruments[0]")


def test_of_16_with_two_of_one_program_those_share_where_the_first_stands() -> None:
    score = scored(*band(*range(64, 74), 40, *range(80, 84), 40))
    assert channels(score) == [*MELODIC, MELODIC[10]]
    assert found(score)["channels-shared"] == (2, "instruments[10]")


def test_of_16_with_several_programs_that_have_several_all_those_share() -> None:
    score = scored(*band(*range(64, 76), 40, 40, 41, 41))
    assert channels(score) == [*MELODIC[:12], MELODIC[12], MELODIC[12], MELODIC[13], MELODIC[13]]
    assert found(score)["channels-shared"] == (4, "instruments[12]")


def test_of_16_programs_the_families_with_several_share_the_lowest_program() -> None:
    score = scored(*band(7, *range(8, 112, 8), 6, 112))
    assert channels(score) == [*MELODIC[:14], 1, MELODIC[14]]
    assert [one.program for one in score.instruments] == [6, *range(8, 112, 8), 6, 112]
    assert found(score)["channels-shared"] == (2, "instruments[0]")


def test_of_16_families_sound_effects_join_the_percussive() -> None:
    score = scored(*band(*range(7, 128, 8)))
    assert channels(score) == [*MELODIC, 16]
    assert [one.program for one in score.instruments] == [*range(7, 112, 8), 119, 119]
    assert found(score)["channels-shared"] == (2, "instruments[14]")


def test_of_15_families_sound_effects_and_the_percussive_stay_apart() -> None:
    score = scored(*band(*range(8, 128, 8), 9))
    assert channels(score) == [*MELODIC, 1]
    assert score.instruments[14].program == 120


def test_drums_share_channel_10_and_make_no_sixteenth() -> None:
    score = scored(drums(), *band(*[40] * 8), drums("Kit"), *band(*[40] * 7))
    assert channels(score) == [10, *MELODIC[:8], 10, *MELODIC[8:]]
    assert [track for _, track in seats(score)] == [1, *range(2, 10), 1, *range(10, 17)]
    assert "channels-shared" not in found(score)


@pytest.mark.parametrize(
    "without", [instrument(), instrument(note(end="-1")), instrument(name="Drums"), "{}"]
)
def test_the_silent_have_a_track_each_and_make_no_sixteenth(without: str) -> None:
    score = scored(without, *band(*[40] * 8), without, *band(*[40] * 7))
    assert channels(score) == [None, *MELODIC[:8], None, *MELODIC[8:]]
    assert [track for _, track in seats(score)] == list(range(1, 18))
    assert "channels-shared" not in found(score)


def test_the_silent_join_no_group_above_15() -> None:
    score = scored(*band(*[40] * 8), instrument(name="program 40"), *band(*[40] * 8))
    assert seats(score) == [(1, 1)] * 8 + [(None, 2)] + [(1, 1)] * 8
    assert found(score)["channels-shared"] == (16, "instruments[0]")


def test_paths_and_places_count_instruments_that_were_dropped() -> None:
    score = scored("7", *band(*[40] * 16))
    assert seats(score) == [(1, 1)] * 16
    assert found(score)["channels-shared"] == (16, "instruments[1]")


def test_notes_meet_in_a_shared_track_and_stay_with_the_first_member() -> None:
    others = band(*range(64, 78))
    score = scored(
        instrument(note(velocity="0.5"), note(start="2", end="5"), name="program 40"),
        *others,
        instrument(note(end="3"), note(start="4", end="6"), name="program 40"),
    )
    first, second = score.instruments[0], score.instruments[-1]
    assert list(first.notes) == [Note(0, 1920, 60, 127), Note(1920, 3840, 60, 127)]
    assert list(second.notes) == [Note(3840, 5760, 60, 127)]
    assert found(score) == {
        "channels-shared": (2, "instruments[0]"),
        "repeated-note": (1, "instruments[15].notes[0]"),
        "overlap-trimmed": (2, "instruments[0].notes[0]"),
    }


def test_a_shared_track_has_all_its_members_names() -> None:
    score = scored(*band(*range(64, 78), 40), drums(), drums("Kit"), *band(40))
    assert [track.name for track in tracks(score)][14:] == ["program 40 + program 40", "Drums + Kit"]
