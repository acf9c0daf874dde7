"""Half load: how long senders wait for an answer where they post half as much as the server could bear."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from bench import report
from bench.ingress.under_test import BARE, NAIVE, OURS, PLAIN, Server, Turns
from bench.load import steady
from bench.songs import Songs

SERVERS: Final = (BARE, NAIVE, OURS, PLAIN)

_LONGER: Final = 2
"""So many times as long as at full load: the slowest in a thousand are wanted."""


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds from when a request was due to its answer, over all rounds."""

    server: str
    body_bytes: int
    requests_per_second: float
    requests: int
    p50_ms: float
    p99_ms: float
    p999_ms: float


async def measure(
    servers: Mapping[str, Server], turns: Turns, full: Mapping[tuple[str, int], float]
) -> list[Row]:
    """Each server under each load, in rounds, at half of what it answers in a second at full load."""
    waits: dict[tuple[str, int], list[float]] = defaultdict(list)
    for number in range(1, turns.rounds + 1):
        report.say(f"Half load, round {number} of {turns.rounds}")
        for load, name in product(turns.loads, random.sample(SERVERS, len(SERVERS))):
            rate = full[name, load.body_bytes] / 2
            waits[name, load.body_bytes] += await _waits(servers[name], load, rate, turns)
    return [
        _row(name, load.body_bytes, full[name, load.body_bytes] / 2, waits[name, load.body_bytes])
        for load, name in product(turns.loads, SERVERS)
    ]


def show(rows: Sequence[Row]) -> None:
    """Print the waits."""
    shown = report.table(
        "Half load, evenly paced: milliseconds from when a request was due to its answer",
        *("body", "server", "requests/s", "requests", "p50", "p99", "p99.9"),
    )
    for row in rows:
        if row.server == BARE:
            shown.add_section()
        shown.add_row(
            report.size(row.body_bytes) if row.server == BARE else "",
            row.server,
            f"{row.requests_per_second:,.0f}",
            f"{row.requests:,}",
            *(f"{ms:.1f}" for ms in (row.p50_ms, row.p99_ms, row.p999_ms)),
        )
    report.show(shown)
    report.show(
        "The sender wakes once a millisecond: bare shows what that adds. Of under 1,000, p99.9 is the slowest.\n"
    )


async def _waits(server: Server, songs: Songs, rate: float, turns: Turns) -> list[float]:
    async with server.connected(songs, turns.connections) as connections:
        waits = await steady(connections, songs, rate, _LONGER * turns.seconds)
    server.answered += len(waits)
    return waits


def _row(server: str, body_bytes: int, rate: float, waits: Sequence[float]) -> Row:
    p50, p99, p999 = (report.percentile(waits, percent) * 1000 for percent in (50, 99, 99.9))
    return Row(server, body_bytes, rate, len(waits), p50, p99, p999)
