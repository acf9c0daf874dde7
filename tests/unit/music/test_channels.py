"""Which instruments share a channel and a track."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.music.channels import MELODIC_CHANNELS, Group, Player, share

DRUM = Player(0, drums=True, silent=False)
SILENT = Player(40, drums=False, silent=True)
SILENT_DRUM = Player(0, drums=True, silent=True)


def melodic(*programs: int) -> list[Player]:
    return [Player(program, drums=False, silent=False) for program in programs]


def shared(groups: list[Group]) -> list[tuple[int, list[int]]]:
    """The program and members of each group that has several."""
    return [(group.program, group.members) for group in groups if len(group.members) > 1]


def test_nobody_needs_no_track() -> None:
    assert share([]) == []


def test_15_melodic_instruments_have_a_channel_each_even_of_one_program() -> None:
    groups = share(melodic(*[40] * 15))
    assert [group.channel for group in groups] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16]
    assert shared(groups) == []


def test_of_16_melodic_instruments_those_of_one_program_share() -> None:
    groups = share(melodic(7, 40, *range(50, 62), 40, 7))
    assert shared(groups) == [(7, [0, 15]), (40, [1, 14])]
    assert [group.channel for group in groups] == list(MELODIC_CHANNELS[:14])


def test_programs_are_enough_where_they_leave_15() -> None:
    groups = share(melodic(*range(15), 0))
    assert shared(groups) == [(0, [0, 15])]
    assert len(groups) == 15


def test_of_16_programs_those_of_one_family_share_the_lowest() -> None:
    groups = share(melodic(7, 3, 8, 20, 17, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 127))
    assert shared(groups) == [(3, [0, 1]), (17, [3, 4])]
    assert [group.channel for group in groups] == list(MELODIC_CHANNELS[:14])


def test_families_take_in_those_that_shared_a_program() -> None:
    assert shared(share(melodic(9, 8, *range(16, 32), 9))) == [
        (8, [0, 1, 18]),
        (16, list(range(2, 10))),
        (24, list(range(10, 18))),
    ]


def test_of_16_families_sound_effects_join_percussive() -> None:
    groups = share(melodic(*reversed(range(0, 128, 8))))
    assert shared(groups) == [(112, [0, 1])]
    assert [group.channel for group in groups] == list(MELODIC_CHANNELS)


def test_all_128_programs_fit() -> None:
    groups = share(melodic(*range(128)))
    assert [group.program for group in groups] == list(range(0, 120, 8))
    assert groups[-1].members == list(range(112, 128))


def test_sound_effects_keep_a_group_where_a_family_is_absent() -> None:
    groups = share(melodic(*range(8, 128)))
    assert [group.program for group in groups] == list(range(8, 128, 8))


def test_drums_share_channel_10_and_a_track_at_the_first_ones_place() -> None:
    assert share([*melodic(5), DRUM, *melodic(6), DRUM]) == [
        Group(1, 5, [0]),
        Group(10, 0, [1, 3]),
        Group(2, 6, [2]),
    ]


def test_drums_do_not_count_among_the_15() -> None:
    groups = share([DRUM, DRUM, *melodic(*[40] * 15)])
    assert [group.channel for group in groups] == [10, *MELODIC_CHANNELS]


def test_the_silent_have_a_track_each_without_a_channel_and_join_nobody() -> None:
    players = [SILENT, SILENT_DRUM, DRUM, SILENT, *melodic(40), SILENT_DRUM]
    groups = share(players)
    assert [group.channel for group in groups] == [None, None, 10, None, 1, None]
    assert [group.members for group in groups] == [[0], [1], [2], [3], [4], [5]]
    assert [group.channel for group in share([*[SILENT] * 20, *melodic(*[40] * 15)])][20:] == list(
        MELODIC_CHANNELS
    )


PLAYERS = st.builds(Player, st.integers(0, 127), st.booleans(), st.booleans())


@given(st.lists(PLAYERS, max_size=60))
def test_every_player_has_one_place_and_every_channel_one_group(players: list[Player]) -> None:
    groups = share(players)
    assert sorted(member for group in groups for member in group.members) == list(range(len(players)))
    firsts = [group.members[0] for group in groups]
    assert firsts == sorted(firsts)
    assert all(group.members == sorted(group.members) for group in groups)
    channels = [group.channel for group in groups if group.channel is not None]
    assert len(channels) == len(set(channels))
    for group in groups:
        assert len({(players[member].drums, players[member].silent) for member in group.members}) == 1
        assert (group.channel is None) == players[group.members[0]].silent
        assert (group.channel == 10) == (players[group.members[0]][1:] == (True, False))
        assert group.program == min(players[member].program for member in group.members)
