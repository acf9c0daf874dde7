"""Full load: the CPU time that a request costs each server, and how many a second it answers."""

from __future__ import annotations

import os
import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from bench import report
from bench.ingress.under_test import (
    BARE,
    BARE_ASYNCIO,
    BY_URL,
    NAIVE,
    OURS,
    PLAIN,
    SIGNED,
    TWO,
    Server,
    Turns,
    Window,
)

SERVERS: Final = (BARE, BARE_ASYNCIO, NAIVE, OURS, PLAIN, BY_URL, SIGNED, TWO)

_WARM_UP_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Row:
    """One server under one load: medians over all rounds.

    A ratio is the median of the rounds' ratios, each to the other server's figure in the same round.
    """

    server: str
    body_bytes: int
    requests: int
    cpu_us_per_request: float
    ratio_to_bare: float
    ratio_to_bare_asyncio: float
    ratio_to_ours: float
    requests_per_second: float
    speed_ratio_to_ours: float
    cpu_us_per_request_by_round: list[float]


_Windows = dict[tuple[str, int], list[Window]]
"""The windows of each server and body size, one a round."""


async def measure(servers: Mapping[str, Server], turns: Turns) -> list[Row]:
    """All servers under all loads, in rounds, after one that warms them up."""
    windows: _Windows = defaultdict(list)
    for number in range(turns.rounds + 1):
        report.say(f"Full load, round {number} of {turns.rounds}" if number else "Warming up")
        # In another order each time: Kafka is still busy with what the server before has published.
        for load, name in product(turns.loads, random.sample(SERVERS, len(SERVERS))):
            seconds = turns.seconds if number else _WARM_UP_SECONDS
            window = await servers[name].window(load, turns.connections, seconds)
            if number:
                windows[name, load.body_bytes].append(window)
    return [_row(windows, name, load.body_bytes) for load, name in product(turns.loads, SERVERS)]


def rates(rows: Sequence[Row]) -> dict[tuple[str, int], float]:
    """Requests a second by server and body size."""
    return {(row.server, row.body_bytes): row.requests_per_second for row in rows}


def show(rows: Sequence[Row], connections: int) -> None:
    """Print CPU times and rates; then what a second process brings."""
    shown = report.table(
        f"Full load: {connections} connections, each posts when answered; CPU of the server a request",
        *("body", "server", "CPU µs", "× bare", "× bare, asyncio", "× ours", "requests/s"),
    )
    for row in rows:
        if row.server == BARE:
            shown.add_section()
        shown.add_row(
            report.size(row.body_bytes) if row.server == BARE else "",
            row.server,
            f"{row.cpu_us_per_request:,.0f}",
            *(f"{ratio:.2f}" for ratio in (row.ratio_to_bare, row.ratio_to_bare_asyncio, row.ratio_to_ours)),
            f"{row.requests_per_second:,.0f}",
        )
    report.show(shown)
    report.show("Bare is on uvloop, as ours; bare, asyncio is as `run_app` runs it by default.")
    report.show("Ours compresses with zstd unless it says otherwise, and adds headers; naive does neither.\n")
    _show_two([row for row in rows if row.server == TWO])


def _show_two(rows: Sequence[Row]) -> None:
    shown = report.table("Two processes against one", "body", "requests/s", "CPU a request")
    for row in rows:
        ratios = (f"{ratio:.2f}×" for ratio in (row.speed_ratio_to_ours, row.ratio_to_ours))
        shown.add_row(report.size(row.body_bytes), *ratios)
    report.show(shown)
    report.show(
        f"The sender, itself one process, and Kafka share this machine's {os.cpu_count()} cores with them; "
        "the kernel spreads connections by chance.\n"
    )


def _row(windows: _Windows, server: str, body_bytes: int) -> Row:
    mine, bare, bare_asyncio, ours = (
        windows[name, body_bytes] for name in (server, BARE, BARE_ASYNCIO, OURS)
    )
    return Row(
        server=server,
        body_bytes=body_bytes,
        requests=sum(window.requests for window in mine),
        cpu_us_per_request=statistics.median(_costs(mine)),
        ratio_to_bare=report.ratio(_costs(mine), _costs(bare)),
        ratio_to_bare_asyncio=report.ratio(_costs(mine), _costs(bare_asyncio)),
        ratio_to_ours=report.ratio(_costs(mine), _costs(ours)),
        requests_per_second=statistics.median(_speeds(mine)),
        speed_ratio_to_ours=report.ratio(_speeds(mine), _speeds(ours)),
        cpu_us_per_request_by_round=_costs(mine),
    )


def _costs(windows: Sequence[Window]) -> list[float]:
    return [window.cpu_us_per_request for window in windows]


def _speeds(windows: Sequence[Window]) -> list[float]:
    return [window.requests / window.seconds for window in windows]
