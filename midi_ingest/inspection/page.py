"""Where things stand in the picture of a song: rows of time, one above the other, of the same pitches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final, NamedTuple

from midi_ingest.inspection.labels import OCTAVE, time_step
from midi_ingest.inspection.song import Note, Song

WIDTH: Final = 1600
LEFT: Final = 56
PLOT: Final = WIDTH - LEFT - 32
"""The width of a row."""
TOP: Final = 68

_ROW_GAP: Final = 44
"""Below each row, for its times."""

_ROW_SECONDS: Final = 120
"""A row is about so long at most, so that the shortest notes are seen; where that makes too many rows, longer."""
_MAX_ROWS: Final = 12
_SHORTEST_ROW_SECONDS: Final = 1.0
_ROUNDED_TO: Final = 16
"""A row of several is a multiple of the round time that is near its 16th part."""

_BEST_HEIGHT: Final = 440
_BEST_HEIGHT_OF_MANY: Final = 280
_PITCH_PIXELS: Final = (4, 16)
"""The least and the most."""

_SHORTEST_LINE: Final = 1.6
_BETWEEN_REPEATS: Final = 0.6
"""How much shorter a line is than its note, if it is long enough: so repeated notes are seen as such."""


class Page(NamedTuple):
    """The scale of a picture, in pixels; all rows are alike."""

    row_seconds: float
    rows: int
    lowest: int
    highest: int
    pitch_pixels: int

    @property
    def second_pixels(self) -> float:
        """How long a second is."""
        return PLOT / self.row_seconds

    @property
    def height(self) -> int:
        """How high a row is."""
        return (self.highest - self.lowest + 1) * self.pitch_pixels

    @property
    def bottom(self) -> int:
        """Where the rows and their times end."""
        return self.top(self.rows)

    def top(self, row: int) -> int:
        """Where a row begins, from above."""
        return TOP + row * (self.height + _ROW_GAP)

    def span(self, row: int) -> tuple[float, float]:
        """The seconds that a row shows."""
        return row * self.row_seconds, (row + 1) * self.row_seconds

    def x(self, row: int, second: float) -> str:
        """Where a second is in a row."""
        return _short(LEFT + (second - row * self.row_seconds) * self.second_pixels)

    def y(self, row: int, pitch: int) -> float:
        """The middle of a pitch in a row."""
        return self.top(row) + (self.highest - pitch + 0.5) * self.pitch_pixels

    def as_seen(self, notes: Iterable[Note]) -> Iterator[Note]:
        """Notes of one pitch, in their order, as they are seen: one note where the line of one covers the next's start.

        So there are never more than there is room for.
        """
        shortest, between = (pixels / self.second_pixels for pixels in (_SHORTEST_LINE, _BETWEEN_REPEATS))
        seen = None
        for note in notes:
            if seen and note.start < max(seen.start + shortest, seen.end - between):
                seen = seen._replace(end=max(seen.end, note.end))
            else:
                if seen:
                    yield seen
                seen = note
        if seen:
            yield seen

    def lines(self, note: Note) -> Iterator[str]:
        """A note as lines of a path, one in each row that it reaches."""
        first, last = (min(int(second / self.row_seconds), self.rows - 1) for second in note[:2])
        for row in range(first, last + 1):
            start, end = self.span(row)
            begin = max(note.start, start)
            length = (min(note.end, end) - begin) * self.second_pixels
            if row == first or length > 0:
                seen = max(length - _BETWEEN_REPEATS, _SHORTEST_LINE)
                yield f"M{self.x(row, begin)} {_short(self.y(row, note.pitch))}h{_short(seen)}"


def page_for(song: Song) -> Page:
    """A scale at which the song's notes are seen."""
    notes = [note for part in song.parts for note in part.notes]
    seconds = max((note.end for note in notes), default=0.0)
    row_seconds, rows = _rows(max(seconds, _SHORTEST_ROW_SECONDS))
    if not notes:
        return Page(row_seconds, 0, 60, 60, 1)
    lowest, highest = _pitches([note.pitch for note in notes])
    height = _BEST_HEIGHT if rows == 1 else _BEST_HEIGHT_OF_MANY
    least, most = _PITCH_PIXELS
    return Page(row_seconds, rows, lowest, highest, max(least, min(most, height // (highest - lowest + 1))))


def _rows(seconds: float) -> tuple[float, int]:
    """How long a row is, and how many there are."""
    rows = min(ceil(seconds / _ROW_SECONDS), _MAX_ROWS)
    if rows == 1:
        return seconds, 1
    step = time_step(seconds / rows / _ROUNDED_TO)
    row_seconds = ceil(seconds / rows / step) * step
    return row_seconds, ceil(seconds / row_seconds)


def _pitches(pitches: list[int]) -> tuple[int, int]:
    """The lowest and the highest pitch that are shown: a bit more than there is, and two octaves at least."""
    lowest, highest = min(pitches) - 2, max(pitches) + 2
    more = max(2 * OCTAVE - (highest - lowest), 0)
    lowest = max(lowest - more // 2, 0)
    return lowest, min(max(highest, lowest + 2 * OCTAVE), 127)


def _short(pixels: float) -> str:
    return f"{pixels:.1f}".removesuffix(".0")
