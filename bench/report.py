"""What a benchmark leaves: tables on the terminal, and a file with all figures and where they come from."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

RESULTS_DIR: Final = Path(__file__).with_name("results")

_FILE_WIDTH: Final = 110
"""Characters of a line where no terminal says how many it has."""

_PACKAGES: Final = (
    *("midi-ingest", "aiohttp", "aiokafka", "mido", "msgspec", "numpy", "orjson", "symusic", "uvloop"),
)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that at least so many of a hundred do not exceed (the nearest rank)."""
    rank = math.ceil(round(len(values) * percent / 100, 6))
    return sorted(values)[max(rank, 1) - 1]


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios, each to the other's figure in the same round: it bears a busy machine."""
    return statistics.median(m / t for m, t in zip(mine, theirs, strict=True))


def size(body_bytes: int) -> str:
    """A body's size as people read it."""
    return f"{body_bytes / 1000:.1f} KB"


def table(title: str, *headings: str) -> Table:
    """An empty table of figures; its first column is text."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left")
    return made


def say(what: str) -> None:
    """Tell, on standard error, what goes on."""
    Console(stderr=True, style="dim", highlight=False).print(f"{what} …")


def show(what: Table | str) -> None:
    """Print a table, or a line about it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(what, end="\n\n" if isinstance(what, Table) else "\n")


def save(name: str, options: Mapping[str, Any], figures: Mapping[str, Any]) -> Path:
    """Write a benchmark's figures to a file of their own, whose path is returned."""
    now = datetime.now(UTC)
    RESULTS_DIR.mkdir(exist_ok=True)
    file = RESULTS_DIR / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    content = {"benchmark": name, "ended_at": now.isoformat(), "machine": _machine(), "options": options}
    file.write_text(json.dumps(content | dict(figures), indent=2) + "\n")
    return file


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
