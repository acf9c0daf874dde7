"""A backlog: how many records a second each takes, and what CPU time one costs, beside loops written by hand."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from bench import report
from bench.workers.contest import Load, Window, contest
from bench.workers.contestants import BARE, BARE_DECIDES, DEDUPLICATE, NO_OP, Entry

CONTESTANTS: Final = (BARE, NO_OP, BARE_DECIDES, DEDUPLICATE)

_Windows = Mapping[tuple[str, int], Sequence[Window]]
"""The windows of each contestant and body size, one a round."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant under one load: medians over all rounds.

    A ratio is the median of the rounds' ratios, each to the other's figure in the same round.
    """

    contestant: str
    body_bytes: int
    records: int
    records_per_second: float
    ratio_to_bare: float
    ratio_to_bare_that_decides: float
    cpu_us_per_record: float
    cpu_ratio_to_bare: float
    records_per_second_by_round: list[float]


async def measure(entry: Entry, loads: Sequence[Load], rounds: int) -> list[Row]:
    """All contestants under all loads, in rounds, after one in which what they write is checked."""
    contestants = [
        await entry.bare_loop(),
        await entry.no_op(),
        await entry.bare_loop_that_decides(),
        await entry.deduplicate(),
    ]
    windows = defaultdict(list)
    async with contest(contestants[0].settings, contestants) as watched:
        for number in range(rounds + 1):
            report.say(f"Backlogs, round {number} of {rounds}" if number else "Checking, and warming up")
            for load, contestant in product(loads, random.sample(contestants, len(contestants))):
                if number:
                    window = await watched.window(contestant, load)
                    windows[contestant.name, load.body_bytes].append(window)
                else:
                    await watched.check(contestant, load)
    return [_row(windows, name, load) for load, name in product(loads, CONTESTANTS)]


def show(rows: Sequence[Row], partitions: int) -> None:
    """Print rates and CPU times."""
    shown = report.table(
        f"A backlog in {partitions} partitions, one process: read, written and committed",
        *("body", "by", "records/s", "× bare", "× bare that decides", "CPU µs a record", "CPU × bare"),
    )
    for row in rows:
        first = row.contestant == CONTESTANTS[0]
        if first:
            shown.add_section()
        shown.add_row(
            report.size(row.body_bytes) if first else "",
            row.contestant,
            f"{row.records_per_second:,.0f}",
            f"{row.ratio_to_bare:.2f}",
            f"{row.ratio_to_bare_that_decides:.2f}",
            f"{row.cpu_us_per_record:,.0f}",
            f"{row.cpu_ratio_to_bare:.2f}",
        )
    report.show(shown)
    report.show(
        "The bare loops have the same batches, in one loop a partition. The one that decides reads and digests each\n"
        "callback too; deduplicate also remembers it, in a changelog.\n"
    )


def _row(windows: _Windows, name: str, load: Load) -> Row:
    mine, bare, decides = (windows[n, load.body_bytes] for n in (name, BARE, BARE_DECIDES))
    return Row(
        contestant=name,
        body_bytes=load.body_bytes,
        records=load.records,
        records_per_second=statistics.median(_rates(mine)),
        ratio_to_bare=report.ratio(_rates(mine), _rates(bare)),
        ratio_to_bare_that_decides=report.ratio(_rates(mine), _rates(decides)),
        cpu_us_per_record=statistics.median(_costs(mine)),
        cpu_ratio_to_bare=report.ratio(_costs(mine), _costs(bare)),
        records_per_second_by_round=_rates(mine),
    )


def _rates(windows: Sequence[Window]) -> list[float]:
    return [window.records_per_second for window in windows]


def _costs(windows: Sequence[Window]) -> list[float]:
    return [window.cpu_us_per_record for window in windows]
