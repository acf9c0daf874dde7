"""`midi-ingest worker NAME --processes N`: processes that share the partitions of the same workers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from midi_ingest import process
from midi_ingest.settings import Settings, SettingsError, require_files
from midi_ingest.sibling import Sibling, together
from workers.runtime.run import GOODBYE_SECONDS
from workers.store import store

STOP_SECONDS: Final = 5.0
"""For so long a process may take to end after its batches and its goodbye to Kafka have had their time."""


def run(references: Sequence[str], processes: int) -> int:
    """Run so many processes of these workers until SIGTERM or Ctrl-C; returns the exit code."""

    async def supervise(settings: Settings, stop: asyncio.Event) -> None:
        if store.name in references:
            require_files(settings)  # so that what is wrong is said once, and not by each
        siblings = [_sibling(references, settings, number) for number in range(processes)]
        patience_seconds = settings.stop_timeout_seconds + GOODBYE_SECONDS + STOP_SECONDS
        await together(siblings, stop, patience_seconds)

    return process.run("+".join(references), supervise)


def _sibling(references: Sequence[str], settings: Settings, number: int) -> Sibling:
    """One of them; each answers health checks on a port of its own: the one that is set, the next, and so on."""
    env = {}
    if settings.health_port:
        port = settings.health_port + number
        if port > 65535:
            raise SettingsError("MIDI_INGEST_HEALTH_PORT: the ports that follow it are too few.")
        env["MIDI_INGEST_HEALTH_PORT"] = str(port)
    return Sibling(f"{'+'.join(references)} {number + 1}", ["worker", *references], env)
