"""Where ours spends its time: each step of a long song's way by itself."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from bench import report
from bench.music.contest import seconds
from bench.music.song import TASK_ID, Song
from schemas.dialects import AUTO
from schemas.score import Score
from workers.music import smf
from workers.music.columns.received import received
from workers.music.columns.song import read_song
from workers.music.names import GENERAL_MIDI
from workers.music.normalize import normalize
from workers.music.repairs import Repairs
from workers.music.score_record import ScoreRecord
from workers.music.typed_body import read_typed


@dataclass(frozen=True, slots=True)
class Row:
    """One step's median."""

    step: str
    notes: int
    ms: float


def measure(song: Song, rounds: int) -> list[Row]:
    """All steps from a body to a file, with the record between normalize and render."""
    typed = read_typed(song.body, AUTO)
    if typed is None:
        raise AssertionError("the song is not as documented")
    columns, score = received(typed), normalize(song.body, TASK_ID)
    record = score.encode()
    steps = {
        "normalize: typed decode": lambda: read_typed(song.body, AUTO),
        "normalize: columns": lambda: received(typed),
        "normalize: rules": lambda: read_song(columns, GENERAL_MIDI, Repairs()),
        "normalize: write the record": score.encode,
        "render: read the record": lambda: ScoreRecord.decode(record),
        "render: events and file": lambda: smf.render(score),
        "(read the record as others do)": lambda: Score.decode(record),
    }
    return [
        Row(name, song.count, statistics.median(seconds(step, 3) for _ in range(rounds)) * 1000)
        for name, step in steps.items()
    ]


def show(shown: list[Row]) -> None:
    """Print the rows."""
    table = report.table("The steps of ours", "step", "notes", "ms")
    for row in shown:
        table.add_row(row.step, f"{row.notes:,}", f"{row.ms:.3f}")
    report.show(table)
