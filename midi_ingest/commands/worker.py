"""`midi-ingest worker`: workers in a process of their own."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from broker.topics import TopicsError
from midi_ingest import process, worker_siblings
from midi_ingest.cli import USAGE, fail
from midi_ingest.settings import Settings, require_files
from midi_ingest.version import __version__
from midi_ingest.workers import UnknownWorker, find_all, own
from workers.runtime import run
from workers.runtime.member import AssignmentError
from workers.runtime.state import StateError
from workers.store import store


def worker(
    name: str, /, *names: str, processes: Annotated[int, Parameter(validator=Number(gte=1, lte=256))] = 1
) -> int:
    """Run one or more workers, until SIGTERM or Ctrl-C.

    Args:
        name: deduplicate, normalize, render, store, route-failures, one that an installed package brings; or your
            own as path/to/file.py:name. `midi-ingest workers` lists them.
        names: more of them, in the same process.
        processes: how many processes share the partitions; one that dies is started again. Each answers health
            checks on a port of its own: MIDI_INGEST_HEALTH_PORT, the next one, and so on.
    """
    try:
        workers = find_all((name, *names))
    except UnknownWorker as error:
        return fail(str(error), USAGE)
    if processes > 1:
        return worker_siblings.run(list(dict.fromkeys((name, *names))), processes)

    async def serve(settings: Settings, stop: asyncio.Event) -> None:
        if store in workers:
            require_files(settings)
        try:
            await run.run(workers, settings, stop, version=__version__, own=own((name, *names)))
        except (TopicsError, AssignmentError, StateError) as error:
            raise process.Stopped(str(error)) from error

    return process.run("+".join(w.name for w in workers), serve)
