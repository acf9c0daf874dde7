"""`midi-ingest worker`: workers in a process of their own."""

from __future__ import annotations

import asyncio

from midi_ingest import process
from midi_ingest.cli import USAGE, fail
from midi_ingest.settings import Settings
from midi_ingest.version import __version__
from midi_ingest.workers import UnknownWorker, find


def worker(name: str, /, *names: str) -> int:
    """Run one or more workers in this process, until SIGTERM or Ctrl-C.

    Args:
        name: deduplicate, normalize, render, store, route-failures; or your own as path/to/file.py:name.
        names: more of them.
    """
    from workers.runtime import run  # noqa: PLC0415 - so that a wrong name is told at once

    try:
        workers = [find(reference) for reference in dict.fromkeys((name, *names))]
    except UnknownWorker as error:
        return fail(str(error), USAGE)

    async def serve(settings: Settings, stop: asyncio.Event) -> None:
        await run.run(workers, settings, stop, version=__version__)

    return process.run("+".join(w.name for w in workers), serve)
