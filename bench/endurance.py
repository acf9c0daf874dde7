"""How the ingress behaves over time: answers at half of the load that it can bear, and memory over many requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psutil

from bench import report
from bench.load import connected, flood, steady
from bench.processes import Process
from bench.songs import Songs

MEMORY_STEP: Final = 10_000
"""Requests between two looks at the memory."""

_NOTES: Final = 9  # songs of 1 KB
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class HalfLoad:
    """How long answers take at half of the load, from when each request was due."""

    body_bytes: int
    rate: float
    requests: int
    p50_ms: float
    p99_ms: float
    p999_ms: float


async def half_load(
    server: Process, songs: Songs, full_rate: float, seconds: float, connections: int
) -> HalfLoad:
    """Post at half of ``full_rate`` for a while."""
    rate = full_rate / 2
    async with connected(server.port, connections) as opened:
        answers = [1000 * took for took in await steady(opened, songs, rate, seconds)]
    p50, p99 = report.percentile(answers, 50), report.percentile(answers, 99)
    p999 = sorted(answers)[min(len(answers) - 1, round(len(answers) * 0.999))]
    return HalfLoad(songs.body_bytes, rate, len(answers), p50, p99, p999)


async def memory(server: Process, requests: int, connections: int) -> list[float]:
    """The resident memory in MiB after each `MEMORY_STEP` requests of 1 KB, up to so many."""
    songs = Songs(_NOTES)
    process = psutil.Process(server.pid)
    seen = []
    async with connected(server.port, connections) as opened:
        for _ in range(requests // MEMORY_STEP):
            await flood(opened, (song for song, _ in zip(songs, range(MEMORY_STEP), strict=False)))
            seen.append(process.memory_info().rss / _MIB)
    return seen


def show(rows: list[HalfLoad], resident_mib: list[float]) -> None:
    """Print both."""
    table = report.table(
        "Ours at half load, from when each was due", "body", "per second", "p50 ms", "p99 ms", "p99.9 ms"
    )
    for row in rows:
        figures = (f"{figure:.1f}" for figure in (row.p50_ms, row.p99_ms, row.p999_ms))
        table.add_row(f"{row.body_bytes / 1000:.1f} KB", f"{row.rate:,.0f}", *figures)
    report.show(table)
    if resident_mib:
        steps = ", ".join(f"{mib:.0f}" for mib in resident_mib)
        report.show(
            f"Memory of ours after each {MEMORY_STEP:,} requests of 1 KB, in MiB: {steps}; "
            f"{resident_mib[-1] - resident_mib[0]:+.0f} after the first."
        )
