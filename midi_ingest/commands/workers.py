"""`midi-ingest workers`: which workers there are."""

from __future__ import annotations

import json
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from midi_ingest.cli import FAILED, USAGE, fail
from midi_ingest.settings import Settings, SettingsError, load
from midi_ingest.workers import Available, UnknownWorker, available
from workers.runtime.api import topic_of


def workers(*references: str, output: Literal["table", "json"] = "table") -> int:
    """List the workers: built-in ones, those that installed packages bring, and those in files that are named.

    Exits 1 if one of them cannot be loaded.

    Args:
        references: workers of your own as path/to/file.py:name.
        output: a table, or JSON.
    """
    try:
        settings = load()
        found = [_told(one, settings) for one in available(references)]
    except (SettingsError, UnknownWorker) as error:
        return fail(str(error), USAGE)
    if output == "json":
        print(json.dumps(found, indent=2))
    else:
        _show(found)
    return FAILED if any(one["problem"] for one in found) else 0


def _told(one: Available, settings: Settings) -> dict[str, Any]:
    worker, name = one.worker, settings.layout.name
    return {
        "name": one.name,
        "from": one.origin,
        "reads": [name(topic) for topic in worker.sources] if worker else [],
        "writes": [name(topic_of(source)) for source in worker.writes] if worker else [],
        "remembers": worker.state_type.__name__ if worker and worker.state_type else None,
        "guarantee": worker.guarantee if worker else None,
        "every_seconds": [timer.seconds for timer in worker.timers] if worker else [],
        "problem": one.problem,
    }


def _show(found: list[dict[str, Any]]) -> None:
    columns = ("worker", "from", "reads", "writes", "remembers")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for one in found:
        reads, writes = "\n".join(one["reads"]), "\n".join(one["writes"])
        table.add_row(one["name"], one["from"], reads, writes, one["remembers"] or "")
    console = Console()
    console.print(table)
    for one in found:
        if one["problem"]:
            console.print(escape(one["problem"]))
