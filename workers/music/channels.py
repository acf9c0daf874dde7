"""Which instruments share a channel and a track: MIDI has 15 melodic channels, and channel 10 for drums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from workers.music.names import FAMILY_SIZE

DRUM_CHANNEL: Final = 10
MELODIC_CHANNELS: Final = (*range(1, 10), *range(11, 17))

_PERCUSSIVE: Final = 14
"""The family that takes in the one after it, sound effects."""

# What melodic players must have in common to share, from step to step; the last leaves at most 15 groups.
_STEPS: Final[tuple[Callable[[int, int], int], ...]] = (
    lambda position, _: position,
    lambda _, program: program,
    lambda _, program: program // FAMILY_SIZE,
    lambda _, program: min(program // FAMILY_SIZE, _PERCUSSIVE),
)


class Player(NamedTuple):
    """What an instrument asks of the file; it is silent where it has no notes."""

    program: int
    drums: bool
    silent: bool


class Group(NamedTuple):
    """The players of one track, by their positions among all, and their channel and program there."""

    channel: int | None
    program: int
    members: list[int]


_Groups = dict[tuple[str, int], list[int]]


def share(players: list[Player]) -> list[Group]:
    """The groups in track order: each stands at its first member's place.

    Up to 15 melodic players have a channel each. Above that, those of one program share one; if that is not
    enough, those of one General MIDI family, with the lowest of their programs; at last sound effects join
    the percussive. Drums share channel 10; the silent have a track each, and no channel.
    """
    attempts = (_grouped(players, step) for step in _STEPS)
    groups = next(groups for groups in attempts if _melodic_count(groups) <= len(MELODIC_CHANNELS))
    free = iter(MELODIC_CHANNELS)
    return [
        Group(_channel(kind, free), min(players[member].program for member in members), members)
        for (kind, _), members in groups.items()
    ]


def _grouped(players: list[Player], step: Callable[[int, int], int]) -> _Groups:
    groups: _Groups = {}
    for position, player in enumerate(players):
        groups.setdefault(_key(player, position, step), []).append(position)
    return groups


def _key(player: Player, position: int, step: Callable[[int, int], int]) -> tuple[str, int]:
    if player.silent:
        return "silent", position
    if player.drums:
        return "drums", 0
    return "melodic", step(position, player.program)


def _melodic_count(groups: _Groups) -> int:
    return sum(kind == "melodic" for kind, _ in groups)


def _channel(kind: str, free: Iterator[int]) -> int | None:
    if kind == "melodic":
        return next(free)
    return DRUM_CHANNEL if kind == "drums" else None
