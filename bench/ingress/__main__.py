"""What a callback costs the ingress, beside bare servers and a naive one.

Bare reads the body and answers, on uvloop as ours does, and on asyncio's own loop, as `run_app` does by default;
naive also does `json.loads` and `send_and_wait`, as one would write it; ours is ``midi-ingest ingest`` as it is.
All are processes of their own without access log, on one embedded Kafka. They take turns in rounds, so that what
else the machine does meets all alike.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

import uvloop
from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.ingress import full_load, half_load, memory, steps
from bench.ingress.under_test import Turns, under_test
from bench.load import CONNECTIONS
from bench.processes import forget_settings
from bench.songs import Songs

NOTES: Final = (9, 465, 4600)
"""Songs of these make bodies of 1, 36 and 355 KB."""

app = App(
    name="python -m bench.ingress",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.ingress
    python -m bench.ingress --quick
    python -m bench.ingress --notes 465 --rounds 20 --requests 50000""",
)


@app.default
def main(
    *,
    rounds: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    connections: Annotated[int, Parameter(validator=Number(gte=1))] = CONNECTIONS,
    notes: Annotated[tuple[int, ...], Parameter(validator=Number(gte=1))] = NOTES,
    requests: Annotated[int | None, Parameter(validator=Number(gte=2 * memory.STEP))] = None,
    quick: bool = False,
) -> None:
    """Measure, print tables, write JSON to bench/results.

    Args:
        rounds: how often every server gets every load; 5, or 1 with --quick.
        seconds: how long each time at full load; 1, or 0.3 with --quick. At half load it is twice that.
        connections: how many keep-alive connections post at once.
        notes: notes a song, about 77 bytes each; may be repeated.
        requests: how many of 1 KB the memory is watched over, in steps of 10,000; 100,000, or 20,000 with --quick.
        quick: a first impression, with the fewest rounds.
    """
    forget_settings()
    turns = Turns(
        rounds or (1 if quick else 5),
        seconds or (0.3 if quick else 1.0),
        connections,
        tuple(map(Songs, notes)),
    )
    requests = requests or (20_000 if quick else 100_000)
    figures = uvloop.run(_measure(turns, requests))
    options = {
        "rounds": turns.rounds,
        "seconds": turns.seconds,
        "connections": connections,
        "notes": notes,
        "requests": requests,
    }
    report.show(f"Written to {report.save('ingress', options, figures)}")


async def _measure(turns: Turns, requests: int) -> dict[str, Any]:
    """Measure and show one thing after the other; returns all figures."""
    report.say("Starting Kafka and the servers")
    async with under_test() as servers:
        full = await full_load.measure(servers, turns)
        full_load.show(full, turns.connections)
        half = await half_load.measure(servers, turns, full_load.rates(full))
        half_load.show(half)
        resident = await memory.measure(servers, requests, turns.connections)
        memory.show(resident)
        shares = await steps.measure(servers, turns)
        steps.show(shares)
    report.show("Every answer was 200; Kafka holds one record for each of naive's and ours.")
    return {
        "full_load": [asdict(row) for row in full],
        "half_load": [asdict(row) for row in half],
        "memory": [asdict(row) for row in resident],
        "steps": [asdict(row) for row in shares],
    }


if __name__ == "__main__":
    app()
