"""Several processes of the same part, which run, drain and end together; one that dies is started again.

Each dies with this process, whatever ends it (see `broker.embedded.tether`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from broker.embedded.tether import tied_to_this_process
from midi_ingest.parts import Deaths, PartError, ending
from midi_ingest.process import Stopped
from telemetry.logs import logger


async def together(siblings: Sequence[Sibling], stop: asyncio.Event, patience_seconds: float) -> None:
    """Keep them running until ``stop`` is set, then stop all at once; kill those that take longer.

    Raises:
        Stopped: one of them dies too often.
    """
    running = [asyncio.create_task(sibling.run()) for sibling in siblings]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await asyncio.gather(*(sibling.stop(patience_seconds) for sibling in siblings))
    for ended in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(ended, PartError):
            raise Stopped(str(ended))
        if isinstance(ended, Exception):
            raise ended


class Sibling:
    """One process of several: ``midi-ingest`` with these arguments.

    ``ended`` is told the process id of each that ends. ``no_deaths`` are the return codes that do not count as
    deaths, with what is logged. ``label`` is what its own log lines call it, where that is not its name.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        *,
        ended: Callable[[int], object] | None = None,
        no_deaths: Mapping[int, str] | None = None,
        label: int | None = None,
    ) -> None:
        self._name, self._arguments, self._env = name, arguments, {**os.environ, **env}
        self._label = name if label is None else label
        self._ended, self._no_deaths = ended, no_deaths or {}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Keep it running until `stop`.

        Raises:
            PartError: it dies too often.
        """
        deaths = Deaths(self._name, say=partial(logger().warning, process=self._label))
        while True:
            command = [sys.executable, "-P", "-m", "midi_ingest", *self._arguments]
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_this_process(command),
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C is for the supervisor
            )
            if self._stopping:  # told while it was being started: it has taken nothing yet, so it has no time
                self.send(signal.SIGKILL)
            code = await self._process.wait()
            if self._ended:
                self._ended(self._process.pid)
            if self._stopping:
                return
            if code in self._no_deaths:
                logger().info(self._no_deaths[code], process=self._label)
            else:
                deaths.count(ending(code), lambda: "What it logged last says why.")

    async def stop(self, patience_seconds: float) -> None:
        """Let it drain and end; kill it if it does not."""
        self._stopping = True
        if self._process is None:
            return
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_seconds):
                await self._process.wait()
        except TimeoutError:
            logger().error("process does not stop; killing it", process=self._label)
            self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
