"""Where the time goes: the share of each step in the CPU time of the ingress, from stacks that it writes itself."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from bench import report
from bench.ingress.under_test import PROFILED, SIGNED_PROFILED, Server, Turns

SERVERS: Final = (PROFILED, SIGNED_PROFILED)

_REST: Final = "route, count and the rest"

STEPS: Final[Mapping[str, Sequence[str]]] = {
    "read": [
        "aiohttp/web_protocol.py data_received",
        "aiohttp/streams.py",
        "ingest/http/body.py",
        "ingest/http/connections.py",
    ],
    "verify": ["ingest/origin/", "ingest/callbacks.py _verify_head"],
    "validate": ["schemas/dialects/"],
    "publish": [
        "ingest/callbacks.py _headers",
        "ingest/callbacks.py _make_safe",
        "ingest/record.py",
        "ingest/delivery.py",
        "ingest/publishing/publisher.py",
        "ingest/publishing/batches.py",
        "ingest/publishing/link.py",
        "broker/partitioner.py",
        "broker/record_batch.py",
        "broker/produce_request.py",
        "aiokafka/",
        "asyncio/streams.py",
    ],
    "compress": ["broker/compression.py"],
    "respond": [
        "ingest/http/answers.py",
        "aiohttp/web_protocol.py finish_response",
        "aiohttp/web_response.py",
    ],
    _REST: ["aiohttp/web_protocol.py", "ingest/callbacks.py", "ingest/ingress.py"],
    "loop and kernel": ["uvloop/", "asyncio/runners.py"],
}
"""The steps, and which files and functions they are; of what fits several, the first step counts.

The loop reads sockets; who answers or publishes also writes to them. Only aiokafka uses asyncio's streams.
"""

_STACK: Final = "Stack (most recent call first):\n"
_FRAME: Final = re.compile(r'^  File "(.+)", line \S+ in (.+)$', re.MULTILINE)
_LONGER: Final = 2
"""So many times as long as a window at full load, for more stacks."""


@dataclass(frozen=True, slots=True)
class Row:
    """The shares of the steps, of one server with bodies of one size; ``stacks`` were counted."""

    server: str
    body_bytes: int
    stacks: int
    shares: dict[str, float]


async def measure(servers: Mapping[str, Server], turns: Turns) -> list[Row]:
    """Both servers that write stacks, under all loads, in rounds at full load."""
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for number in range(1, turns.rounds + 1):
        report.say(f"Profile, round {number} of {turns.rounds}")
        for name, load in product(SERVERS, turns.loads):
            server = servers[name]
            seen_bytes = server.process.log_file.stat().st_size
            await server.window(load, turns.connections, _LONGER * turns.seconds)
            written = server.process.log_file.read_bytes()[seen_bytes:]
            counts[name, load.body_bytes] += count(written.decode(errors="replace"))
    return [
        _row(name, load.body_bytes, counts[name, load.body_bytes])
        for name, load in product(SERVERS, turns.loads)
    ]


def count(log: str) -> Counter[str]:
    """How many of the stacks in a log were in which step."""
    return Counter(_step(_FRAME.findall(stack)) for stack in log.split(_STACK)[1:])


def show(rows: Sequence[Row]) -> None:
    """Print the shares: a column for each server and size."""
    for server in SERVERS:
        mine = [row for row in rows if row.server == server]
        shown = report.table(
            f"Where the CPU time goes, in %: {server}",
            *("step", *(report.size(row.body_bytes) for row in mine)),
        )
        for step in STEPS:
            shown.add_row(step, *(f"{100 * row.shares[step]:.1f}" for row in mine))
        shown.add_section()
        shown.add_row("stacks", *(f"{row.stacks:,}" for row in mine))
        report.show(shown)


def _step(frames: Iterable[tuple[str, str]]) -> str:
    """The step of the innermost frame that belongs to one; what belongs to none is in the rest."""
    for file, function in frames:
        for step, places in STEPS.items():
            if any(_is_at(place, file, function) for place in places):
                return step
    return _REST


def _is_at(place: str, file: str, function: str) -> bool:
    where, _, name = place.partition(" ")
    return f"/{where}" in file and name in {"", function}


def _row(server: str, body_bytes: int, counted: Counter[str]) -> Row:
    stacks = counted.total()
    return Row(server, body_bytes, stacks, {step: counted[step] / max(stacks, 1) for step in STEPS})
