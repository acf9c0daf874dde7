"""From ticks to seconds, by a file's division and its tempos (Standard MIDI Files 1.0)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple

TEMPO_AT_FIRST: Final = 500_000
"""Microseconds a quarter note, where a file says nothing: 120 bpm."""


class Division(NamedTuple):
    """What a tick is: so many are a quarter note or, with ``frames_per_second``, a frame of film or video (SMPTE)."""

    ticks: int
    frames_per_second: float | None = None


class Tempo(NamedTuple):
    """From a second on, a quarter note takes so many microseconds."""

    second: float
    microseconds: int

    @property
    def bpm(self) -> float | None:
        """Quarter notes a minute; None where a quarter note takes no time."""
        return 60e6 / self.microseconds if self.microseconds else None


class Clock:
    """Tells the second of each tick."""

    def __init__(self, division: Division, changes: Iterable[tuple[int, int]]) -> None:
        """Take changes of the tempo: a tick, and the microseconds a quarter note from there on.

        Of those at one tick, the last counts. Where ticks are parts of a frame, the tempo changes nothing.
        """
        self._ticks: list[int] = [0]
        self._starts: list[float] = [0.0]
        self._tick_microseconds = [_tick_microseconds(division, TEMPO_AT_FIRST)]
        self.tempos: list[Tempo] = []
        if division.frames_per_second is None:
            self._follow(division, {0: TEMPO_AT_FIRST} | dict(sorted(changes, key=lambda change: change[0])))

    def seconds(self, tick: int) -> float:
        """When a tick is, in seconds from the start."""
        step = bisect_right(self._ticks, tick) - 1
        return self._starts[step] + (tick - self._ticks[step]) * self._tick_microseconds[step] / 1e6

    def _follow(self, division: Division, changes: dict[int, int]) -> None:
        for tick, microseconds in changes.items():
            second = self.seconds(tick)
            self._ticks.append(tick)
            self._starts.append(second)
            self._tick_microseconds.append(_tick_microseconds(division, microseconds))
            self.tempos.append(Tempo(second, microseconds))


def _tick_microseconds(division: Division, quarter_microseconds: int) -> float:
    if division.frames_per_second is None:
        return quarter_microseconds / division.ticks
    return 1e6 / (division.frames_per_second * division.ticks)
