"""Contestants take turns, in another order each round, so that what else the machine does meets all alike."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Final

import mido

from bench import report
from bench.music.song import Heard, Song

Writer = Callable[[Song], bytes]
Times = Mapping[str, Sequence[float]]

_WINDOW_SECONDS: Final = 0.05
"""What takes less is done so often in a row that it takes about this long."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant with songs of one length: the median, and how many times as fast as each rival it is."""

    contestant: str
    notes: int
    ms: float
    times_as_fast: dict[str, float]


def check(writer: Writer, song: Song) -> None:
    """Have a contestant write a song, and read the file.

    Raises:
        AssertionError: its notes are not the song's.
    """
    if heard(writer(song)) != song.heard:
        raise AssertionError(f"{writer.__name__} wrote other notes than those of the song")


def heard(file: bytes) -> list[list[Heard]]:
    """The sorted notes of each track that has some, as mido reads it."""
    tracks = map(_notes, mido.MidiFile(file=BytesIO(file)).tracks)
    return [notes for notes in tracks if notes]


def measure(writers: Mapping[str, Writer], song: Song, rounds: int) -> Times:
    """The seconds that each took in each round; every contestant's file is read before."""
    for writer in writers.values():
        check(writer, song)
    calls = {name: partial(writer, song) for name, writer in writers.items()}
    turns = {name: max(1, int(_WINDOW_SECONDS / seconds(call, 2))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(rounds):
        for name in random.sample(list(calls), len(calls)):
            times[name].append(seconds(calls[name], turns[name]))
    return times


def rows(times: Times, song: Song, rivals: Sequence[str]) -> list[Row]:
    """A row for each contestant, compared with the rivals in the same rounds."""
    return [
        Row(
            name,
            song.count,
            statistics.median(mine) * 1000,
            {rival: report.ratio(times[rival], mine) for rival in rivals},
        )
        for name, mine in times.items()
    ]


def show(title: str, shown: Sequence[Row], rivals: Sequence[str]) -> None:
    """Print the rows."""
    table = report.table(title, "contestant", "notes", "ms", "notes/s", *(f"× {rival}" for rival in rivals))
    for row in shown:
        ratios = (f"{row.times_as_fast[rival]:.2f}" for rival in rivals)
        table.add_row(
            row.contestant, f"{row.notes:,}", f"{row.ms:.3f}", f"{row.notes / row.ms * 1000:,.0f}", *ratios
        )
    report.show(table)


def seconds(call: Callable[[], object], turns: int = 1) -> float:
    """The seconds of CPU that one of so many calls in a row takes: the clock would also tell what others do."""
    gc.collect()
    began = time.process_time()
    for _ in range(turns):
        call()
    return (time.process_time() - began) / turns


def _notes(track: mido.MidiTrack) -> list[Heard]:
    tick, sounding, notes = 0, dict[int, tuple[int, int]](), list[Heard]()
    for message in track:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = (tick, message.velocity)
        elif message.type in {"note_on", "note_off"}:
            start, velocity = sounding.pop(message.note)
            notes.append((start, tick, message.note, velocity))
    return sorted(notes)
