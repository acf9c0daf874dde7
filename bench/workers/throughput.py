"""The whole pipeline: songs a second from the POST to the last outcome, and what CPU time a song costs each part.

The baseline is a plain loop in one process: it normalizes and renders the same songs and writes the same MIDI files,
without HTTP, Kafka, deduplication or any promise.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bench import report
from bench.load import connected, flood
from bench.songs import Song, Songs
from bench.workers.installation import Installation
from bench.workers.subscriber import Subscriber
from workers.music import smf
from workers.music.normalize import normalize

LOOP: Final = "plain loop"

_PATIENCE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Row:
    """So many songs posted at once: both ways' songs a second, and CPU milliseconds a song of each part."""

    songs: int
    notes: int
    body_bytes: int
    songs_per_second: float
    loop_songs_per_second: float
    ratio: float
    cpu_ms_per_song: dict[str, float]


async def post_all(
    installation: Installation, subscriber: Subscriber, songs: Sequence[Song], connections: int
) -> None:
    """Post songs as fast as they are answered, and wait for the last one's outcome."""
    async with connected(installation.port, connections) as opened:
        await asyncio.gather(subscriber.endings(len(songs), _PATIENCE_SECONDS), flood(opened, songs))


async def measure(
    installation: Installation, subscriber: Subscriber, count: int, notes: int, connections: int
) -> Row:
    """The same songs through the installation and through the plain loop."""
    report.say(f"{count:,} songs of {notes:,} notes")
    kind = Songs(notes)
    songs = list(islice(kind, count))
    before, started = installation.cpu_seconds(), time.perf_counter()
    await post_all(installation, subscriber, songs, connections)
    took = time.perf_counter() - started
    cpu = {name: end - before[name] for name, end in installation.cpu_seconds().items()}
    loop_took, cpu[LOOP] = await asyncio.to_thread(_plain_loop, songs, installation.folder)
    return Row(
        songs=count,
        notes=notes,
        body_bytes=kind.body_bytes,
        songs_per_second=count / took,
        loop_songs_per_second=count / loop_took,
        ratio=loop_took / took,
        cpu_ms_per_song={name: seconds * 1000 / count for name, seconds in cpu.items()},
    )


def show(rows: Sequence[Row]) -> None:
    """Print songs a second, and CPU times."""
    songs = report.table(
        "Pipeline: songs posted as fast as they are answered, until the last outcome",
        *("notes", "body", "songs", "songs/s", "plain loop songs/s", "ratio"),
    )
    for row in rows:
        speeds = (f"{row.songs_per_second:,.1f}", f"{row.loop_songs_per_second:,.1f}", f"{row.ratio:.3f}×")
        songs.add_row(f"{row.notes:,}", report.size(row.body_bytes), f"{row.songs:,}", *speeds)
    report.show(songs)
    parts = report.table("CPU milliseconds a song", "part", *(f"{row.notes:,} notes" for row in rows))
    for name in rows[0].cpu_ms_per_song:
        if name == LOOP:
            total = [sum(row.cpu_ms_per_song.values()) - row.cpu_ms_per_song[LOOP] for row in rows]
            parts.add_row("together", *(f"{ms:.2f}" for ms in total), end_section=True)
        parts.add_row(name, *(f"{row.cpu_ms_per_song[name]:.2f}" for row in rows))
    report.show(parts)


def _plain_loop(songs: Iterable[Song], folder: Path) -> tuple[float, float]:
    """Make the songs' MIDI files one after the other; the seconds that took, of the clock and of the CPU."""
    started, cpu = time.perf_counter(), time.thread_time()
    for song in songs:
        (folder / f"{song.task_id}.mid").write_bytes(smf.render(normalize(song.body, song.task_id)))
    return time.perf_counter() - started, time.thread_time() - cpu
