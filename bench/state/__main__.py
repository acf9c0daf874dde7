"""What a worker's state costs: stores beside each other, and restarts with a changelog on a real Kafka.

Keys and values are deduplicate's. Every candidate gets the same batches, in a process of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.processes import forget_settings
from bench.state import restores, stores
from bench.state.candidates import CANDIDATES

_QUICK_KEYS: Final = 50_000
_KEYS: Final = 1_000_000

app = App(
    name="python -m bench.state",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.state
    python -m bench.state --quick
    pip install rocksdict && python -m bench.state                 # with RocksDB beside the others
    python -m bench.state --keys 10000000 --store "SQLite, a file" # takes half an hour and 10 GB of disk""",
)


@app.default
def main(
    *,
    keys: Annotated[int | None, Parameter(validator=Number(gte=1000))] = None,
    store: tuple[str, ...] = (),
    restore: Annotated[bool, Parameter(negative="--no-restore")] = True,
    quick: bool = False,
) -> None:
    """Measure, print tables, write JSON to bench/results.

    Args:
        keys: how many; 1,000,000, or 50,000 with --quick.
        store: only this candidate; may be repeated.
        restore: measure restarts, too.
        quick: a first impression, with the fewest rounds.
    """
    forget_settings()
    keys = keys or (_QUICK_KEYS if quick else _KEYS)
    there = [name for name in CANDIDATES if name != "rocksdict" or find_spec("rocksdict")]
    rows = stores.measure(keys, store or there)
    stores.show(rows)
    starts = []
    if restore:
        with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as folder:
            starts = asyncio.run(restores.measure(keys, Path(folder)))
        restores.show(starts)
    figures = {"stores": [asdict(row) for row in rows], "restores": [asdict(row) for row in starts]}
    report.show(f"Written to {report.save('state', {'keys': keys}, figures)}")


if __name__ == "__main__":
    app()
