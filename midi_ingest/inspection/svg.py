"""A song as a piano roll in SVG: a line for each note that is seen, in one path for each colour and loudness.

A long song goes on in further rows, as music does on a page. The picture has a light and a dark theme, and no script.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final
from xml.sax.saxutils import escape

from midi_ingest.inspection.labels import OCTAVE, fine_step, mark_label, marks, pitch_name, short, time_step
from midi_ingest.inspection.page import LEFT, PLOT, TOP, WIDTH, Page, page_for
from midi_ingest.inspection.palette import colour_numbers, style_sheet
from midi_ingest.inspection.song import Note, Part, Song
from midi_ingest.inspection.summary import figures

_LABEL_GAP: Final = 90
_FINE_GAP: Final = 12
"""The least pixels between two marks with times, and between two others."""

_BLACK_KEYS: Final = frozenset({1, 3, 6, 8, 10})
_LOUDNESS: Final = ((64, ".6"), (96, ".8"), (128, "1"))
"""Velocities below each have this opacity."""

_LEGEND_COLUMNS: Final = 5
_LEGEND_LINE: Final = 24
_MOST_IN_LEGEND: Final = 250
_LEGEND_CELLS: Final = 35
_TITLE_CELLS: Final = 120
_MOST_IN_TITLE: Final = 8
_FIGURES_CELLS: Final = 200


def drawing(song: Song, name: str) -> str:
    """The picture of a song: the same song under the same name is the same text.

    ``name`` stands above it where the song has no name of its own.
    """
    page = page_for(song)
    players = [part for part in song.parts if part.notes]
    legend_lines = -(-min(len(players), _MOST_IN_LEGEND) // _LEGEND_COLUMNS)
    height = page.bottom + _LEGEND_LINE * (legend_lines + 1)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui,sans-serif" font-size="13">',
            *_head(song, name),
            *(line for row in range(page.rows) for line in _paper(page, row)),
            f'<g fill="none" stroke-width="{page.pitch_pixels - 1}">',
            *(line for colour, parts in _by_colour(players) for line in _played(parts, colour, page)),
            "</g>",
            *_legend(players, page),
            "</svg>\n",
        ]
    )


def _head(song: Song, name: str) -> Iterator[str]:
    title = _text(song.title or name, _TITLE_CELLS)
    yield f"<title>{title}</title>"
    yield f"<style>{style_sheet()}</style>"
    yield '<rect class="page" width="100%" height="100%"/>'
    yield f'<text class="ink" x="{LEFT}" y="30" font-size="20">{title}</text>'
    told = " ".join([f"{figures(song)}.", *song.remarks])
    yield f'<text class="faint" x="{LEFT}" y="50">{_text(told, _FIGURES_CELLS)}</text>'


def _paper(page: Page, row: int) -> Iterator[str]:
    """What a row is drawn on: black keys, octaves, times."""
    top, bottom = page.top(row), page.top(row) + page.height
    pitches = range(page.lowest, page.highest + 1)
    black = "".join(f"M{LEFT} {page.y(row, p):g}h{PLOT}" for p in pitches if p % OCTAVE in _BLACK_KEYS)
    yield f'<path class="keys" stroke-width="{page.pitch_pixels}" d="{black}"/>'
    step = time_step(_LABEL_GAP / page.second_pixels)
    start, end = page.span(row)
    for kind, seconds in (("second", fine_step(step, _FINE_GAP / page.second_pixels)), ("mark", step)):
        lines = "".join(f"M{page.x(row, mark)} {top}V{bottom}" for mark in marks(start, end, seconds))
        yield f'<path class="{kind}" d="{lines}"/>'
    octaves = [pitch for pitch in pitches if pitch % OCTAVE == 0]
    under = {pitch: page.y(row, pitch) + page.pitch_pixels / 2 for pitch in octaves}
    yield f'<path class="octave" d="{"".join(f"M{LEFT} {y:g}h{PLOT}" for y in under.values())}"/>'
    yield '<g class="faint" text-anchor="end">'
    yield from (f'<text x="{LEFT - 8}" y="{y:g}">{pitch_name(pitch)}</text>' for pitch, y in under.items())
    yield '</g>\n<g class="faint" text-anchor="middle">'
    for mark in marks(start, end, step):
        yield f'<text x="{page.x(row, mark)}" y="{bottom + 18}">{mark_label(mark)}</text>'
    yield "</g>"


def _played(parts: Sequence[Part], colour: str, page: Page) -> Iterator[str]:
    """The notes of a colour's parts, the softer the paler."""
    pitches: dict[tuple[str, int], list[Note]] = defaultdict(list)
    for note in sorted(note for part in parts for note in part.notes):
        opacity = next(opacity for below, opacity in _LOUDNESS if note.velocity < below)
        pitches[opacity, note.pitch].append(note)
    paths: dict[str, list[str]] = defaultdict(list)
    for (opacity, _), notes in sorted(pitches.items()):
        paths[opacity] += (line for note in page.as_seen(notes) for line in page.lines(note))
    labels = ", ".join(part.label for part in parts[:_MOST_IN_TITLE])
    yield f'<g class="{colour}"><title>{_text(labels, _TITLE_CELLS)}</title>'
    yield from (f'<path stroke-opacity="{o}" d="{"".join(lines)}"/>' for o, lines in paths.items())
    yield "</g>"


def _by_colour(players: Sequence[Part]) -> Iterator[tuple[str, list[Part]]]:
    colours: dict[str, list[Part]] = defaultdict(list)
    for part, colour in _coloured(players):
        colours[colour].append(part)
    yield from colours.items()


def _legend(players: Sequence[Part], page: Page) -> Iterator[str]:
    if not players:
        yield f'<text class="faint" x="{LEFT}" y="{TOP + 20}">No notes.</text>'
    for number, (part, colour) in enumerate(islice(_coloured(players), _MOST_IN_LEGEND)):
        line, column = divmod(number, _LEGEND_COLUMNS)
        x, y = LEFT + column * PLOT // _LEGEND_COLUMNS, page.bottom + line * _LEGEND_LINE
        yield f'<path class="{colour}" stroke-width="10" d="M{x} {y}h20"/>'
        yield f'<text class="ink" x="{x + 28}" y="{y + 5}">{_text(part.label, _LEGEND_CELLS)}</text>'
    if (more := len(players) - _MOST_IN_LEGEND) > 0:
        y = page.bottom + _MOST_IN_LEGEND // _LEGEND_COLUMNS * _LEGEND_LINE
        yield f'<text class="faint" x="{LEFT}" y="{y + 5}">… and {more:,} more</text>'


def _coloured(players: Sequence[Part]) -> Iterator[tuple[Part, str]]:
    """Each part with the class of its colour."""
    for part, number in zip(players, colour_numbers(players), strict=True):
        yield part, "drums" if number is None else f"c{number}"


def _text(text: str, cells: int) -> str:
    return escape(short(text, cells))
