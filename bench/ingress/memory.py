"""Memory: what the ingress holds after many requests, from its start on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import psutil

from bench import report
from bench.ingress.under_test import FRESH, Server
from bench.load import flood
from bench.songs import Songs

STEP: Final = 10_000
"""Requests between two looks."""

_NOTES: Final = 9  # songs of 1 KB
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """The resident memory after so many requests."""

    requests: int
    resident_mib: float


async def measure(servers: Mapping[str, Server], requests: int, connections: int) -> list[Row]:
    """Post songs of 1 KB to a process that has answered nothing yet, and look after each `STEP` of them."""
    server, songs = servers[FRESH], Songs(_NOTES)
    process, rows = psutil.Process(server.process.pid), []
    report.say(f"Memory, over {requests:,} requests")
    async with server.connected(songs, connections) as opened:
        for posted in range(STEP, requests + 1, STEP):
            server.answered += await flood(opened, islice(songs, STEP))
            rows.append(Row(posted, process.memory_info().rss / _MIB))
    return rows


def show(rows: Sequence[Row]) -> None:
    """Print the memory, and how much it grows after the first step."""
    shown = report.table("Memory of ours: resident MiB after requests of 1 KB", "requests", "MiB", "growth")
    for row in rows:
        growth = row.resident_mib - rows[0].resident_mib
        shown.add_row(f"{row.requests:,}", f"{row.resident_mib:.1f}", f"{growth:+.1f}")
    report.show(shown)
