"""What a callback costs the ingress: CPU time a request of its process, beside bare servers' and a naive one's.

Bare reads the body and answers, on uvloop as ours does, and on asyncio's own loop as `run_app` does by default;
naive also does `json.loads` and `send_and_wait`, as one would write it; ours is ``midi-ingest ingest`` as it is.
All are processes of their own without access log, on one embedded Kafka. They take turns in rounds, so that what
else the machine does meets all alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Final

import uvloop
from aiokafka import TopicPartition
from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import endurance, report
from bench.endurance import HalfLoad
from bench.load import CONNECTIONS, connected, flood
from bench.processes import Process, cpu_seconds, forget_settings, running
from bench.songs import Songs
from broker import clients, topics
from broker.embedded import EmbeddedKafka
from broker.settings import KafkaSettings
from midi_ingest.settings import Settings
from schemas.callback import Callback
from schemas.topics import FAILURES

NOTES: Final = (9, 465, 4600)
"""Songs of these make bodies of 1, 36 and 355 KB."""

BARE: Final = "bare"
BARE_ASYNCIO: Final = "bare, asyncio"
NAIVE: Final = "naive"
OURS: Final = "ours"
PLAIN: Final = "ours, uncompressed"

MANY: Final = 100_000
"""Requests over which the memory is watched."""

_WARM_UP_SECONDS: Final = 0.3

app = App(
    name="python -m bench.ingress",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.ingress
    python -m bench.ingress --quick
    python -m bench.ingress --notes 465 --rounds 20""",
)


@dataclass(frozen=True, slots=True)
class Window:
    """One server under one load for a while."""

    requests: int
    seconds: float
    cpu_us_per_request: float
    answer_seconds: list[float]


@dataclass(frozen=True, slots=True)
class Row:
    """One server under one load, over all rounds: medians, and percentiles of all answers.

    The ratios are the medians of the rounds' ratios of CPU time to the bare server's.
    """

    server: str
    body_bytes: int
    requests: int
    cpu_us_per_request: float
    ratio: float
    ratio_to_asyncio: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request_by_round: list[float]


@dataclass(frozen=True, slots=True)
class Results:
    """All that is measured."""

    rows: list[Row]
    half_loads: list[HalfLoad]
    resident_mib: list[float]


Windows = dict[tuple[str, int], list[Window]]
"""The windows of each server and body size, one a round."""


@app.default
def main(
    *,
    rounds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    connections: Annotated[int, Parameter(validator=Number(gte=1))] = CONNECTIONS,
    notes: Annotated[tuple[int, ...], Parameter(validator=Number(gte=1))] = NOTES,
    quick: bool = False,
) -> None:
    """Measure, print a table, write JSON to bench/results.

    Args:
        rounds: how often every server gets every load; 5, or 1 with --quick.
        seconds: how long each time; 1, or 0.4 with --quick.
        connections: how many keep-alive connections post at once.
        notes: notes a song, about 77 bytes each; may be repeated.
        quick: a first impression, in less than a minute.
    """
    forget_settings()
    rounds, seconds = rounds or (1 if quick else 5), seconds or (0.4 if quick else 1.0)
    results = uvloop.run(_measure(rounds, seconds, connections, notes, MANY // 5 if quick else MANY))
    options = {"rounds": rounds, "seconds": seconds, "connections": connections, "notes": notes}
    _show(results.rows, connections)
    endurance.show(results.half_loads, results.resident_mib)
    report.show(f"Written to {report.save('ingress', options, asdict(results))}")


async def _measure(rounds: int, seconds: float, connections: int, notes: Sequence[int], many: int) -> Results:
    report.say("Starting Kafka and the servers")
    loads = [Songs(count) for count in notes]
    with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as temporary:
        folder = Path(temporary)
        async with EmbeddedKafka(folder / "kafka", port=0) as kafka:
            ours = Settings(kafka_bootstrap_servers=kafka.bootstrap_servers)
            naive = ours.model_copy(update={"topic_prefix": "naive."})
            for settings in (ours, naive):
                await topics.apply(settings, [Callback.topic, FAILURES])
            servers = _servers(ours, naive, folder)
            async with running(servers):
                windows, sent = await _take_turns(servers, loads, rounds, seconds, connections)
                rows = [_row(windows, server.name, load) for load in loads for server in servers]
                tested = next(server for server in servers if server.name == OURS)
                rates = [row.requests_per_second for row in rows if row.server == OURS]
                report.say("Half load")
                half_loads = [
                    await endurance.half_load(tested, load, rate, 3 * seconds, connections)
                    for load, rate in zip(loads, rates, strict=True)
                ]
                report.say(f"{many:,} requests")
                resident_mib = await endurance.memory(tested, many, connections)
                sent[OURS] += sum(half.requests for half in half_loads) + many
            await _check_kept(ours, sent[OURS] + sent[PLAIN])
            await _check_kept(naive, sent[NAIVE])
    return Results(rows, half_loads, resident_mib)


def _servers(ours: KafkaSettings, naive: KafkaSettings, folder: Path) -> list[Process]:
    servers, topic = naive.kafka_bootstrap_servers, naive.layout.name(Callback.topic)
    env = {"KAFKA_BOOTSTRAP_SERVERS": ours.kafka_bootstrap_servers, "MIDI_INGEST_PORT": "{port}"}
    return [
        Process(BARE, ["bench.servers.bare", "{port}"], {}, folder),
        Process(BARE_ASYNCIO, ["bench.servers.bare", "{port}", "asyncio"], {}, folder),
        Process(NAIVE, ["bench.servers.naive", "{port}", servers, topic], {}, folder),
        Process(OURS, ["midi_ingest", "ingest"], env, folder),
        Process(PLAIN, ["midi_ingest", "ingest"], env | {"MIDI_INGEST_COMPRESSION": "none"}, folder),
    ]


async def _take_turns(
    servers: Sequence[Process], loads: Sequence[Songs], rounds: int, seconds: float, connections: int
) -> tuple[Windows, Counter[str]]:
    """All windows, and how many requests each server has answered, the warm-up's too."""
    windows: Windows = defaultdict(list)
    sent: Counter[str] = Counter()
    for number in range(rounds + 1):
        report.say(f"Round {number} of {rounds}" if number else "Warming up")
        for load, server in product(loads, servers):
            window = await _window(server, load, seconds if number else _WARM_UP_SECONDS, connections)
            sent[server.name] += connections + window.requests
            if number:
                windows[server.name, load.body_bytes].append(window)
    return windows, sent


async def _window(server: Process, songs: Songs, seconds: float, connections: int) -> Window:
    """Measure a server on new connections that have each posted once."""
    async with connected(server.port, connections) as opened:
        await flood(opened, songs, seconds=0)
        cpu, started = cpu_seconds(server.pid), time.perf_counter()
        answers = await flood(opened, songs, seconds)
        cpu, took = cpu_seconds(server.pid) - cpu, time.perf_counter() - started
    return Window(len(answers), took, cpu / len(answers) * 1e6, answers)


async def _check_kept(settings: KafkaSettings, sent: int) -> None:
    """Make sure that every request answered with 200 is one record."""
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        topic = settings.layout.name(Callback.topic)
        ends = await consumer.end_offsets([TopicPartition(topic, p) for p in range(settings.partitions)])
    finally:
        await consumer.stop()
    if (kept := sum(ends.values())) != sent:
        raise SystemExit(f"{sent} callbacks were answered with 200, but {topic} holds {kept} records.")


def _row(windows: Windows, server: str, load: Songs) -> Row:
    mine = windows[server, load.body_bytes]
    answers = [seconds * 1000 for window in mine for seconds in window.answer_seconds]
    by_round = [window.cpu_us_per_request for window in mine]
    return Row(
        server=server,
        body_bytes=load.body_bytes,
        requests=len(answers),
        cpu_us_per_request=statistics.median(by_round),
        ratio=_ratio(mine, windows[BARE, load.body_bytes]),
        ratio_to_asyncio=_ratio(mine, windows[BARE_ASYNCIO, load.body_bytes]),
        requests_per_second=statistics.median(window.requests / window.seconds for window in mine),
        p50_ms=report.percentile(answers, 50),
        p99_ms=report.percentile(answers, 99),
        cpu_us_per_request_by_round=by_round,
    )


def _ratio(mine: Sequence[Window], theirs: Sequence[Window]) -> float:
    return statistics.median(
        m.cpu_us_per_request / t.cpu_us_per_request for m, t in zip(mine, theirs, strict=True)
    )


def _show(rows: Sequence[Row], connections: int) -> None:
    headings = (
        "body",
        "server",
        "requests",
        "CPU µs",
        "× bare",
        "× asyncio",
        "per second",
        "p50 ms",
        "p99 ms",
    )
    title = (
        f"Ingress: CPU time of the server for a request; {connections} connections, each posts when answered"
    )
    shown = report.table(title, *headings)
    for row in rows:
        if row.server == BARE:
            shown.add_section()
        shown.add_row(*_cells(row))
    report.show(shown)
    report.show("Every answer was 200; Kafka holds one record for each of naive's and ours.")
    report.show("Ours compresses with zstd unless it says otherwise, and adds headers; naive does neither.")


def _cells(row: Row) -> list[Any]:
    return [
        f"{row.body_bytes / 1000:.1f} KB" if row.server == BARE else "",
        row.server,
        f"{row.requests:,}",
        f"{row.cpu_us_per_request:,.0f}",
        f"{row.ratio:.2f}",
        f"{row.ratio_to_asyncio:.2f}",
        f"{row.requests_per_second:,.0f}",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
    ]


if __name__ == "__main__":
    app()
