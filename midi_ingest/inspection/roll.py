"""A song as a piano roll for the terminal, in dots of Braille: two times wide and four pitches high a character."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil
from typing import Final, NamedTuple

from rich.text import Text

from midi_ingest.inspection.labels import OCTAVE, mark_label, marks, pitch_name, time_step
from midi_ingest.inspection.song import Note, Part, Song

_MARGIN: Final = 5
"""The columns before the roll: a pitch's name, a space and the axis."""

_LABEL_COLUMNS: Final = 10
"""At least so many columns lie between two times on the axis."""

_DOTS_WIDE: Final = 2
_DOTS_HIGH: Final = 4
_HIGH_SPAN: Final = 84
"""Songs that span more pitches than this have two of them on each dot."""

_BRAILLE: Final = 0x2800
_BITS: Final = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""The bit of each dot in a character of Braille, from the lowest row up."""

_Cell = tuple[int, int]
"""A character's row, from the lowest up, and its column."""
_Line = tuple[str, int]
"""A style, and a line of dots from the lowest up."""


class _Scale(NamedTuple):
    """What a dot is: ``seconds`` wide, ``pitches`` high, the lowest beginning at ``lowest``."""

    seconds: float
    pitches: int
    lowest: int
    rows: int
    columns: int


def roll(song: Song, styles: Sequence[str], width: int) -> Iterator[Text]:
    """The roll's lines, none where there are no notes; each part in its style, where a terminal shows it.

    A character has the style that has most dots in it.

    Args:
        song: what is drawn.
        styles: a style for each part.
        width: how many columns there are.
    """
    notes = [note for part in song.parts for note in part.notes]
    if not notes:
        return
    scale = _scale(notes, max(width - _MARGIN, 2 * _LABEL_COLUMNS))
    dots, owners = _drawn(_changes(song.parts, styles, scale))
    for row in reversed(range(scale.rows)):
        line = Text(_pitch_axis(row, scale))
        for column in range(scale.columns):
            cell = row, column
            [(style, _)] = owners[cell].most_common(1) if cell in owners else [("", 0)]
            line.append(chr(_BRAILLE + dots[cell]) if cell in dots else " ", style)
        line.rstrip()
        yield line
    yield from map(Text, _time_axis(scale))


def _scale(notes: Sequence[Note], columns: int) -> _Scale:
    """A scale at which all notes are seen: whole octaves from a C on, and a second at least."""
    lowest = min(note.pitch for note in notes) // OCTAVE * OCTAVE
    span = max(note.pitch for note in notes) + 1 - lowest
    seconds = max(1.0, *(note.end for note in notes))
    pitches = 2 if span > _HIGH_SPAN else 1
    rows = ceil(max(span, OCTAVE) / (pitches * _DOTS_HIGH))
    return _Scale(seconds / (columns * _DOTS_WIDE), pitches, lowest, rows, columns)


def _changes(parts: Sequence[Part], styles: Sequence[str], scale: _Scale) -> dict[_Line, list[int]]:
    """By how much the number of notes that sound rises or falls at each dot of a line, for each style.

    So the roll takes time for each note and for each dot, not for all dots of all notes.
    """
    changes: dict[_Line, list[int]] = defaultdict(lambda: [0] * (scale.columns * _DOTS_WIDE + 1))
    for part, style in zip(parts, styles, strict=True):
        for note in part.notes:
            line = changes[style, (note.pitch - scale.lowest) // scale.pitches]
            across = _across(note, scale)
            line[across.start] += 1
            line[across.stop] -= 1
    return changes


def _drawn(changes: Mapping[_Line, list[int]]) -> tuple[dict[_Cell, int], dict[_Cell, Counter[str]]]:
    """The dots of each character as bits, and how many each style has there."""
    dots: dict[_Cell, int] = defaultdict(int)
    owners: dict[_Cell, Counter[str]] = defaultdict(Counter)
    for (style, high), line in changes.items():
        for across, sounding in enumerate(accumulate(line)):
            if sounding:
                cell = high // _DOTS_HIGH, across // _DOTS_WIDE
                dots[cell] |= _BITS[high % _DOTS_HIGH][across % _DOTS_WIDE]
                owners[cell][style] += sounding
    return dots, owners


def _across(note: Note, scale: _Scale) -> range:
    """The dots that a note lasts, one at least; of three or more, the last is left out, so that repeats are seen."""
    end_of_all = scale.columns * _DOTS_WIDE
    first = min(int(note.start / scale.seconds), end_of_all - 1)
    end = min(round(note.end / scale.seconds), end_of_all)
    return range(first, end - 1 if end - first > 2 else max(end, first + 1))


def _pitch_axis(row: int, scale: _Scale) -> str:
    pitch = scale.lowest + row * _DOTS_HIGH * scale.pitches
    return f"{pitch_name(pitch):>3} ┤" if pitch % OCTAVE == 0 else "    │"


def _time_axis(scale: _Scale) -> Iterator[str]:
    """The line below the roll, and the times below it."""
    second_columns = 1 / (scale.seconds * _DOTS_WIDE)
    step = time_step(_LABEL_COLUMNS / second_columns)
    line, times = ["─"] * scale.columns, ""
    for mark in marks(0, scale.seconds * scale.columns * _DOTS_WIDE, step):
        column, label = int(mark * second_columns + 1e-9), mark_label(mark)
        if len(times) + bool(times) <= column <= scale.columns - len(label):
            line[column] = "┬"
            times = times.ljust(column) + label
    yield "    └" + "".join(line)
    yield " " * _MARGIN + times
