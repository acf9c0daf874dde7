"""How long a song takes from its POST where senders post at a steady rate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bench import report
from bench.load import pace
from bench.songs import Songs
from bench.workers.installation import Installation
from bench.workers.subscriber import Subscriber

NOTES: Final = 400

_PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Row:
    """Songs posted at a rate: milliseconds from the POST until something, over all of them."""

    songs_per_second: float
    songs: int
    until: str
    p50_ms: float
    p99_ms: float
    max_ms: float


async def measure(
    installation: Installation, subscriber: Subscriber, rate: float, seconds: float
) -> list[Row]:
    """Post ``rate`` songs a second: until they are answered, their files are there, their outcomes are seen."""
    report.say(f"{rate:g} songs a second for {seconds:g} s")
    songs = list(islice(Songs(NOTES), max(1, round(rate * seconds))))
    endings, posted = await asyncio.gather(
        subscriber.endings(len(songs), seconds + _PATIENCE_SECONDS), pace(installation.port, songs, rate)
    )
    return [
        _row(rate, "answered with 200", [p.answered_at - p.sent_at for p in posted.values()]),
        _row(rate, "MIDI file is there", [endings[i].file_at - p.sent_at for i, p in posted.items()]),
        _row(rate, "outcome seen", [endings[i].seen_at - p.sent_at for i, p in posted.items()]),
    ]


def show(rows: Sequence[Row]) -> None:
    """Print the waits."""
    shown = report.table(
        f"From POST, songs of {NOTES} notes",
        *("until", "songs/s", "songs", "p50 ms", "p99 ms", "max ms"),
    )
    for row in rows:
        times = (f"{ms:.0f}" for ms in (row.p50_ms, row.p99_ms, row.max_ms))
        shown.add_row(row.until, f"{row.songs_per_second:g}", f"{row.songs:,}", *times)
    report.show(shown)
    report.show("Every answer was 200, every song complete, once.\n")


def _row(rate: float, until: str, seconds: Iterable[float]) -> Row:
    ms = [second * 1000 for second in seconds]
    return Row(rate, len(ms), until, report.percentile(ms, 50), report.percentile(ms, 99), max(ms))
