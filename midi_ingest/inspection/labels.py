"""How pitches, times and names are written, and where an axis has its marks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from rich.cells import cell_len, set_cell_size

from midi_ingest.terminal import visible

OCTAVE: Final = 12
_PITCHES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_STEPS_SECONDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)


def pitch_name(pitch: int) -> str:
    """A pitch's name, where C4 is 60, the middle C, and C-1 is 0."""
    return f"{_PITCHES[pitch % OCTAVE]}{pitch // OCTAVE - 1}"


def clock_time(seconds: float) -> str:
    """A time as minutes, seconds and hundredths: ``3:25.04``; from an hour on as ``1:03:25.04``."""
    return _grouped(round(seconds * 100), 2)


def mark_label(seconds: float) -> str:
    """A mark's time on an axis: ``0.5 s``, ``20 s``, ``1:40``, ``1:00:00``."""
    tenths = round(seconds * 10)
    if tenths < 600:
        return f"{tenths / 10:g} s"
    return _grouped(tenths // 10, 0) if tenths % 10 == 0 else _grouped(tenths, 1)


def _grouped(units: int, decimals: int) -> str:
    seconds, fraction = divmod(units, 10**decimals)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    whole = f"{hours:,}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{whole}.{fraction:0{decimals}}" if decimals else whole


def time_step(at_least_seconds: float) -> float:
    """The shortest round time, of 0.1 s or more, that is as long as this."""
    for step in _STEPS_SECONDS:
        if step >= at_least_seconds:
            return step
    hours = (factor * 10.0**power * 3600 for power in count() for factor in (1, 2, 5))
    return next(step for step in hours if step >= at_least_seconds)


def fine_step(step: float, at_least_seconds: float) -> float:
    """The shortest round time that is as long as this and divides a step of an axis, or that step."""
    divisors = (fine for fine in _STEPS_SECONDS if fine >= at_least_seconds and (step / fine).is_integer())
    return next(divisors, step)


def marks(start: float, end: float, step: float) -> Iterator[float]:
    """The multiples of a step within a time, its ends included; each is as exact as can be."""
    first = -int(-start // step)
    for number in range(first, int(end / step + 1e-9) + 1):
        yield number * step


def short(text: str, cells: int) -> str:
    """A name in one line that steers nothing, cut to so many cells of a terminal."""
    shown = visible(text).replace("\n", " ")
    return shown if cell_len(shown) <= cells else set_cell_size(shown, cells - 1).rstrip() + "…"
