"""From ticks to seconds, by a file's division and its tempos (Standard MIDI Files 1.0)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter
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


class _Step(NamedTuple):
    """From a tick on, that many seconds from the start, ``seconds`` pass in every ``ticks``."""

    tick: int
    start: float
    seconds: float
    ticks: float


class Clock:
    """Tells the second of each tick."""

    def __init__(self, division: Division, changes: Iterable[tuple[int, int]]) -> None:
        """Take changes of the tempo: a tick, and the microseconds a quarter note from there on.

        Of those at one tick, the last counts. Where ticks are parts of a frame, the tempo changes nothing.
        """
        self.tempos: list[Tempo] = []
        self._steps: list[_Step] = []
        if division.frames_per_second is not None:
            self._steps = [_Step(0, 0, 1, division.frames_per_second * division.ticks)]
            return
        in_order = {0: TEMPO_AT_FIRST} | dict(sorted(changes, key=itemgetter(0)))
        for tick, microseconds in in_order.items():
            second = self.seconds(tick) if tick else 0.0
            self._steps.append(_Step(tick, second, microseconds, division.ticks * 1_000_000))
            self.tempos.append(Tempo(second, microseconds))

    def seconds(self, tick: int) -> float:
        """When a tick is, in seconds from the start."""
        step = self._steps[bisect_right(self._steps, tick, key=itemgetter(0)) - 1]
        return step.start + (tick - step.tick) * step.seconds / step.ticks
