"""What the whole does: songs a second, CPU time of each part for a song, and the time from POST to MIDI file.

It runs on an embedded Kafka, with the ingress and every worker as a process of its own. The baseline, in the
same run, is a plain loop in one process: it normalizes and renders the same songs and writes the same MIDI
files, without HTTP, Kafka, deduplication or any promise.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import uvloop
from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.installation import Installation, installed
from bench.load import CONNECTIONS, connected, flood, pace
from bench.processes import forget_settings
from bench.songs import Song, Songs
from bench.subscriber import Subscriber, subscribed
from workers.music import smf
from workers.music.normalize import normalize

LOOP: Final = "plain loop"

_WARM_UP_SONGS: Final = 50
_PATIENCE_SECONDS: Final = 120
_LATENCY_NOTES: Final = 400

app = App(
    name="python -m bench.pipeline",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.pipeline
    python -m bench.pipeline --quick
    python -m bench.pipeline --load 2000 100 --load 20 10000 --rate 50""",
)


@dataclass(frozen=True, slots=True)
class Throughput:
    """So many songs posted at once: both ways' songs a second, and CPU milliseconds a song of each part."""

    songs: int
    notes: int
    body_bytes: int
    songs_per_second: float
    loop_songs_per_second: float
    ratio: float
    cpu_ms_per_song: dict[str, float]


@dataclass(frozen=True, slots=True)
class Latency:
    """Songs posted at a fixed rate: milliseconds from the POST until something, over all songs."""

    until: str
    p50_ms: float
    p99_ms: float
    max_ms: float


@app.default
def main(
    *,
    load: Annotated[tuple[tuple[int, int], ...] | None, Parameter(validator=Number(gte=1))] = None,
    rate: Annotated[float, Parameter(validator=Number(gt=0))] = 10,
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    connections: Annotated[int, Parameter(validator=Number(gte=1))] = CONNECTIONS,
    quick: bool = False,
) -> None:
    """Measure, print tables, write JSON to bench/results.

    Args:
        load: how many songs to post at once, and how many notes each has; may be repeated.
        rate: songs a second in the measurement of latency; they have 400 notes.
        seconds: how long to post at that rate; 20, or 3 with --quick.
        connections: how many keep-alive connections post the load at once.
        quick: a first impression, in about 20 s.
    """
    forget_settings()
    load = load or (((60, 400),) if quick else ((1000, 10), (500, 400), (60, 4000)))
    seconds = seconds or (3.0 if quick else 20.0)
    throughputs, latencies = uvloop.run(_measure(load, rate, seconds, connections))
    _show_throughput(throughputs)
    _show_latency(latencies, rate)
    options = {"load": load, "rate": rate, "seconds": seconds, "connections": connections}
    figures = {
        "throughput": [asdict(row) for row in throughputs],
        "latency": [asdict(row) for row in latencies],
    }
    report.show(f"Written to {report.save('pipeline', options, figures)}")


async def _measure(
    load: Sequence[tuple[int, int]], rate: float, seconds: float, connections: int
) -> tuple[list[Throughput], list[Latency]]:
    report.say("Starting Kafka, the ingress and the workers")
    with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as temporary:
        folder = Path(temporary)
        async with installed(folder) as installation, subscribed(installation.settings) as subscriber:
            bench = _Bench(installation, subscriber, folder, connections)
            report.say("Warming up")
            await bench.post_all(list(islice(Songs(_LATENCY_NOTES), _WARM_UP_SONGS)))
            throughputs = [await bench.throughput(songs, notes) for songs, notes in load]
            latencies = await bench.latency(rate, seconds)
    return throughputs, latencies


@dataclass(frozen=True, slots=True)
class _Bench:
    installation: Installation
    subscriber: Subscriber
    folder: Path
    connections: int

    async def post_all(self, songs: Sequence[Song]) -> None:
        """Post songs as fast as they are answered, and wait for the last one's outcome."""
        async with connected(self.installation.port, self.connections) as connections:
            await asyncio.gather(
                self.subscriber.endings(len(songs), _PATIENCE_SECONDS), flood(connections, songs)
            )

    async def throughput(self, count: int, notes: int) -> Throughput:
        """The same songs through the installation and through the plain loop."""
        report.say(f"{count:,} songs of {notes:,} notes")
        kind = Songs(notes)
        songs = list(islice(kind, count))
        before, started = self.installation.cpu_seconds(), time.perf_counter()
        await self.post_all(songs)
        took = time.perf_counter() - started
        cpu = {name: end - before[name] for name, end in self.installation.cpu_seconds().items()}
        loop_took, cpu[LOOP] = await asyncio.to_thread(_plain_loop, songs, self.folder)
        return Throughput(
            songs=count,
            notes=notes,
            body_bytes=kind.body_bytes,
            songs_per_second=count / took,
            loop_songs_per_second=count / loop_took,
            ratio=loop_took / took,
            cpu_ms_per_song={name: seconds * 1000 / count for name, seconds in cpu.items()},
        )

    async def latency(self, rate: float, seconds: float) -> list[Latency]:
        """Post songs at a fixed rate and see when each is there."""
        report.say(f"{rate:g} songs a second for {seconds:g} s")
        songs = list(islice(Songs(_LATENCY_NOTES), max(1, round(rate * seconds))))
        endings, posted = await asyncio.gather(
            self.subscriber.endings(len(songs), seconds + _PATIENCE_SECONDS),
            pace(self.installation.port, songs, rate),
        )
        return [
            _latency("answered with 200", (p.answered_at - p.sent_at for p in posted.values())),
            _latency("MIDI file is there", (endings[i].file_at - p.sent_at for i, p in posted.items())),
            _latency("outcome seen", (endings[i].seen_at - p.sent_at for i, p in posted.items())),
        ]


def _plain_loop(songs: Iterable[Song], folder: Path) -> tuple[float, float]:
    """Make the songs' MIDI files one after the other; the seconds that took, of the clock and of the CPU."""
    started, cpu = time.perf_counter(), time.thread_time()
    for song in songs:
        (folder / f"{song.task_id}.mid").write_bytes(smf.render(normalize(song.body, song.task_id)))
    return time.perf_counter() - started, time.thread_time() - cpu


def _latency(until: str, seconds: Iterable[float]) -> Latency:
    ms = [second * 1000 for second in seconds]
    return Latency(until, report.percentile(ms, 50), report.percentile(ms, 99), max(ms))


def _show_throughput(rows: Sequence[Throughput]) -> None:
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


def _show_latency(rows: Sequence[Latency], rate: float) -> None:
    shown = report.table(
        f"From POST, {rate:g} songs a second of {_LATENCY_NOTES} notes", "until", "p50 ms", "p99 ms", "max ms"
    )
    for row in rows:
        shown.add_row(row.until, f"{row.p50_ms:.0f}", f"{row.p99_ms:.0f}", f"{row.max_ms:.0f}")
    report.show(shown)
    report.show("Every answer was 200, every song complete, once.")


if __name__ == "__main__":
    app()
