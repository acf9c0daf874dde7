"""How the rate grows with partitions, and with processes that share them."""

from __future__ import annotations

import os
import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from bench import report
from bench.workers.contest import Load, contest
from bench.workers.contestants import DEDUPLICATE, Entry

SHAPES: Final = ((1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4))
"""Partitions, and processes that share them."""


@dataclass(frozen=True, slots=True)
class Row:
    """Deduplicate with so many partitions and processes: the median over all rounds.

    The ratio is the median of the rounds' ratios, each to one partition and one process in the same round.
    """

    partitions: int
    processes: int
    body_bytes: int
    records: int
    records_per_second: float
    ratio_to_one: float
    cpu_us_per_record: float


async def measure(entry: Entry, loads: Sequence[Load], rounds: int) -> list[Row]:
    """All shapes under all loads, in rounds, after one that warms them up."""
    contestants = {
        shape: await replace(entry, partitions=shape[0]).deduplicate(_name(*shape), shape[1])
        for shape in SHAPES
    }
    windows = defaultdict(list)
    async with contest(contestants[SHAPES[0]].settings, list(contestants.values())) as watched:
        for number in range(rounds + 1):
            report.say(f"Partitions and processes, round {number} of {rounds}" if number else "Warming up")
            for load, shape in product(loads, random.sample(SHAPES, len(SHAPES))):
                window = await watched.window(contestants[shape], load)
                if number:
                    windows[shape, load.body_bytes].append(window)
    rows = []
    for load, shape in product(loads, SHAPES):
        mine, one = windows[shape, load.body_bytes], windows[SHAPES[0], load.body_bytes]
        rates = [window.records_per_second for window in mine]
        row = Row(
            *shape,
            load.body_bytes,
            load.records,
            records_per_second=statistics.median(rates),
            ratio_to_one=report.ratio(rates, [window.records_per_second for window in one]),
            cpu_us_per_record=statistics.median(window.cpu_us_per_record for window in mine),
        )
        rows.append(row)
    return rows


def show(rows: Sequence[Row]) -> None:
    """Print the rates."""
    shown = report.table(
        f"Growth: {DEDUPLICATE}'s backlog by partitions and processes",
        *("body", "partitions", "processes", "records/s", "× one of each", "CPU µs a record"),
    )
    for row in rows:
        first = (row.partitions, row.processes) == SHAPES[0]
        if first:
            shown.add_section()
        shown.add_row(
            report.size(row.body_bytes) if first else "",
            *(str(row.partitions), str(row.processes)),
            *(f"{row.records_per_second:,.0f}", f"{row.ratio_to_one:.2f}", f"{row.cpu_us_per_record:,.0f}"),
        )
    report.show(shown)
    report.show(f"Kafka shares this machine's {os.cpu_count()} cores with them.\n")


def _name(partitions: int, processes: int) -> str:
    return f"{DEDUPLICATE} {partitions}-{processes}"
