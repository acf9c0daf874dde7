"""A file's figures, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from midi_ingest.inspection.clock import Division, Tempo
from midi_ingest.inspection.labels import clock_time, pitch_name, short
from midi_ingest.inspection.song import Part, Song
from midi_ingest.terminal import counted
from workers.music.names import PROGRAM_NAMES

_LABEL_CELLS: Final = 80
"""What a part is called is cut to so much, and on narrow terminals to what there is room for; JSON has all of it."""

_MOST_ROWS: Final = 256
"""Beyond what anyone would read, a table takes very long to draw."""

_FEW_CHANGES: Final = 3


def kind(song: Song) -> str:
    """What kind of file it is."""
    return f"type {song.type}, {_division(song.division)}"


def figures(song: Song) -> str:
    """How long it is, its tempos, and how much is in it."""
    notes, tracks = counted(song.note_count, "note"), counted(song.track_count, "track")
    return ", ".join([f"{clock_time(song.seconds)} long", *_tempos(song.tempos), f"{notes} in {tracks}"])


def table(song: Song, styles: Sequence[str]) -> Table:
    """A row for each part, its track in the part's style; narrow enough for 80 columns."""
    rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    rows.add_column("track", justify="right")
    rows.add_column(_in_a_line("name · instrument"))
    for column in ("ch", "notes", "pitches", "velocity", "from", "to"):
        rows.add_column(column, justify="right", no_wrap=True)
    for part, style in list(zip(song.parts, styles, strict=True))[:_MOST_ROWS]:
        rows.add_row(Text(f"{part.track}", style), *_cells(part))
    if (more := len(song.parts) - _MOST_ROWS) > 0:
        rows.add_row("…", f"and {more:,} more: --output json has all of them")
    return rows


def document(name: str, size_bytes: int, song: Song) -> dict[str, object]:
    """A file as JSON."""
    film = song.division.frames_per_second is not None
    return {
        "file": name,
        "bytes": size_bytes,
        "title": song.title,
        "type": song.type,
        "ticks_per_quarter": None if film else song.division.ticks,
        "frames_per_second": song.division.frames_per_second,
        "ticks_per_frame": song.division.ticks if film else None,
        "tempos": [
            {"second": round(second, 6), "microseconds_per_quarter": microseconds, "bpm": bpm}
            for (second, microseconds), bpm in ((tempo, tempo.bpm) for tempo in song.tempos)
        ],
        "seconds": round(song.seconds, 6),
        "tracks": song.track_count,
        "notes": song.note_count,
        "remarks": song.remarks,
        "parts": [_part_document(part) for part in song.parts],
    }


def _division(division: Division) -> str:
    ticks, frames = division
    if frames is None:
        return f"{ticks:,} ticks a quarter note"
    return f"{ticks} ticks a frame, {frames:.4g} frames a second (SMPTE)"


def _tempos(tempos: Sequence[Tempo]) -> Iterator[str]:
    yield from (_bpm(tempo.bpm) for tempo in tempos[:1])
    changes = tempos[1:]
    if len(changes) <= _FEW_CHANGES:
        yield from (f"{_bpm(change.bpm)} from {clock_time(change.second)}" for change in changes)
        return
    slowest, fastest = max(t.microseconds for t in changes), min(t.microseconds for t in changes)
    ends = (_bpm(Tempo(0, microseconds).bpm) for microseconds in (slowest, fastest))
    yield f"then {' to '.join(ends)} in {len(changes):,} changes"


def _bpm(bpm: float | None) -> str:
    return "endless bpm" if bpm is None else f"{round(bpm, 2):g} bpm"


def _cells(part: Part) -> Iterator[str | Text]:
    yield _in_a_line(short(part.label, _LABEL_CELLS))
    yield "" if part.channel is None else str(part.channel)
    yield f"{len(part.notes):,}"
    yield _between(part.pitches, pitch_name)
    yield _between(part.velocities, str)
    first, last = part.times or (None, None)
    yield "" if first is None else clock_time(first)
    yield "" if last is None else clock_time(last)


def _in_a_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _between(ends: tuple[int, int] | None, written: Callable[[int], str]) -> str:
    return "" if ends is None else "–".join(dict.fromkeys(map(written, ends)))


def _part_document(part: Part) -> dict[str, object]:
    first, last = part.times or (None, None)
    return {
        "track": part.track,
        "name": part.name,
        "channel": part.channel,
        "drums": part.drums,
        "programs": [{"program": program, "name": PROGRAM_NAMES[program]} for program in part.programs],
        "notes": len(part.notes),
        "pitches": part.pitches,
        "pitch_names": part.pitches and [pitch_name(pitch) for pitch in part.pitches],
        "velocities": part.velocities,
        "from": first and round(first, 6),
        "to": last and round(last, 6),
    }
