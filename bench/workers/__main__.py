"""What the runtime costs beside loops written by hand, how long a song takes, and how many a second there can be.

All processes run on an embedded Kafka of this machine, as in production. Contestants take turns in rounds, so that
what else the machine does meets all alike: take the ratios, not the times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import uvloop
from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.load import CONNECTIONS
from bench.processes import forget_settings
from bench.songs import Songs
from bench.workers import backlog, growth, latency, throughput
from bench.workers.contest import Load
from bench.workers.contestants import Entry
from bench.workers.installation import installed
from bench.workers.subscriber import subscribed
from broker.embedded import EmbeddedKafka

Part = Literal["backlog", "growth", "pipeline"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)

_WARM_UP_SONGS: Final = 50

app = App(
    name="python -m bench.workers",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.workers
    python -m bench.workers --quick
    python -m bench.workers --only backlog --load 20000 9 --rounds 10
    python -m bench.workers --only pipeline --songs 500 400 --rate 50 --seconds 60""",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured, how often and with what."""

    only: tuple[Part, ...]
    load: tuple[tuple[int, int], ...]
    rounds: int
    partitions: int
    songs: tuple[tuple[int, int], ...]
    rate: tuple[float, ...]
    seconds: float
    connections: int

    @property
    def loads(self) -> list[Load]:
        """The backlogs."""
        return [Load(records, Songs(notes)) for records, notes in self.load]


Pairs = Annotated[tuple[tuple[int, int], ...] | None, Parameter(validator=Number(gte=1))]


@app.default
def main(
    *,
    only: tuple[Part, ...] = PARTS,
    load: Pairs = None,
    rounds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    partitions: Annotated[int, Parameter(validator=Number(gte=1))] = 6,
    songs: Pairs = None,
    rate: Annotated[tuple[float, ...], Parameter(validator=Number(gt=0))] = (10, 50),
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    connections: Annotated[int, Parameter(validator=Number(gte=1))] = CONNECTIONS,
    quick: bool = False,
) -> None:
    """Measure, print tables, write JSON to bench/results.

    Args:
        only: backlog (beside bare loops), growth (with partitions and processes) or pipeline; may be repeated.
        load: how many records a backlog has, and how many notes each; may be repeated.
        rounds: how often every contestant gets every backlog; 5, or 1 with --quick.
        partitions: partitions of the topics, but for the growth.
        songs: how many songs to post at once through the pipeline, and how many notes each; may be repeated.
        rate: songs a second in the measurement of latency; they have 400 notes; may be repeated.
        seconds: how long to post at each rate; 20, or 3 with --quick.
        connections: how many keep-alive connections post at once.
        quick: a first impression, with the fewest rounds.
    """
    forget_settings()
    options = Options(
        only,
        load or (((4_000, 9), (600, 465)) if quick else ((20_000, 9), (3_000, 465))),
        rounds or (1 if quick else 5),
        partitions,
        songs or (((60, 400),) if quick else ((1000, 10), (500, 400), (60, 4000))),
        rate,
        seconds or (3.0 if quick else 20.0),
        connections,
    )
    figures = uvloop.run(_measure(options))
    report.show(f"Written to {report.save('workers', asdict(options), figures)}")


async def _measure(options: Options) -> dict[str, list[dict[str, Any]]]:
    """Measure and show one thing after the other; returns all figures."""
    figures: dict[str, Sequence[Any]] = {}
    with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as temporary:
        folder = Path(temporary)
        if {"backlog", "growth"} & set(options.only):
            figures |= await _contests(options, folder)
        if "pipeline" in options.only:
            figures |= await _pipeline(options, folder)
    return {name: [asdict(row) for row in rows] for name, rows in figures.items()}


async def _contests(options: Options, folder: Path) -> dict[str, Sequence[Any]]:
    figures: dict[str, Sequence[Any]] = {}
    report.say("Starting Kafka")
    async with EmbeddedKafka(folder / "contests", port=0) as kafka:
        entry = Entry(kafka.bootstrap_servers, folder, options.partitions)
        if "backlog" in options.only:
            figures["backlog"] = beside = await backlog.measure(entry, options.loads, options.rounds)
            backlog.show(beside, options.partitions)
        if "growth" in options.only:
            figures["growth"] = grown = await growth.measure(entry, options.loads, options.rounds)
            growth.show(grown)
    return figures


async def _pipeline(options: Options, folder: Path) -> dict[str, Sequence[Any]]:
    report.say("Starting Kafka, the ingress and the workers")
    async with (
        installed(folder, options.partitions) as installation,
        subscribed(installation.settings) as subscriber,
    ):
        report.say("Warming up")
        warm_up = list(islice(Songs(latency.NOTES), _WARM_UP_SONGS))
        await throughput.post_all(installation, subscriber, warm_up, options.connections)
        waits = [
            row
            for rate in options.rate
            for row in await latency.measure(installation, subscriber, rate, options.seconds)
        ]
        latency.show(waits)
        songs = [
            await throughput.measure(installation, subscriber, count, notes, options.connections)
            for count, notes in options.songs
        ]
        throughput.show(songs)
    return {"latency": waits, "throughput": songs}


if __name__ == "__main__":
    app()
