"""`midi-ingest ingest --processes N`: processes that share a port; one that dies is started again.

The kernel spreads new connections over them (SO_REUSEPORT). This process takes none itself: it holds the port,
passes SIGHUP on, and at SIGTERM lets all of them drain together. Each dies with it, whatever ends it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from prometheus_client import multiprocess

from broker.embedded.tether import tied_to_this_process
from ingest.http import binding
from ingest.spool import claim
from midi_ingest import process
from midi_ingest.metrics_dir import metrics_dir
from midi_ingest.parts import Deaths, PartError, ending
from midi_ingest.process import Stopped
from midi_ingest.settings import Settings, SettingsError, guard_of, require_tls
from telemetry.logs import logger

STOP_SECONDS: Final = 10.0
"""For so long a process may take to end after the requests under way have had their time."""

METRICS_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes keep their metrics, so that each shows those of all (prometheus_client's own variable)."""

QUOTA: Final = "MIDI_INGEST_QUARANTINE_MAX_BYTES"
"""A day's bytes for all processes together: each gets its share. The other limits hold for each."""


def run(processes: int) -> int:
    """Run so many processes of the ingress until SIGTERM or Ctrl-C; returns the exit code."""
    return process.run("ingest", lambda settings, stop: _supervise(settings, stop, processes))


async def _supervise(settings: Settings, stop: asyncio.Event, processes: int) -> None:
    guard_of(settings)  # so that what is wrong is said once, and not by each
    require_tls(settings)
    if settings.spool_dir is not None:
        await asyncio.to_thread(claim.prepare, settings.spool_dir)
    with _holding_port(settings), metrics_dir() as folder:
        env = {METRICS_DIR: folder, QUOTA: str(settings.quarantine_max_bytes // processes)}
        siblings = [_Sibling(number, env) for number in range(1, processes + 1)]
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _pass_on, siblings)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one may have been held until now
        running = [asyncio.create_task(sibling.run()) for sibling in siblings]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        patience_seconds = settings.stop_delay_seconds + settings.drain_timeout_seconds + STOP_SECONDS
        await asyncio.gather(*(sibling.stop(patience_seconds) for sibling in siblings))
        for ended in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(ended, PartError):
                raise Stopped(str(ended))
            if isinstance(ended, Exception):
                raise ended


class _Sibling:
    """One process of several."""

    def __init__(self, number: int, env: Mapping[str, str]) -> None:
        self._number = number
        self._env = {**os.environ, **env}
        self._metrics_dir = env[METRICS_DIR]
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Keep it running until `stop`.

        Raises:
            PartError: it dies too often.
        """
        deaths = Deaths(f"ingest {self._number}", say=partial(logger().warning, process=self._number))
        arguments = ["ingest", "--reuse-port", "--number", str(self._number)]
        while True:
            command = [sys.executable, "-P", "-m", "midi_ingest", *arguments]
            self._process = await asyncio.create_subprocess_exec(
                *tied_to_this_process(command),
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C is for the supervisor
            )
            if self._stopping:  # told while it was being started: it has taken nothing yet, so it has no time
                self._send(signal.SIGKILL)
            code = await self._process.wait()
            multiprocess.mark_process_dead(self._process.pid, self._metrics_dir)  # type: ignore[no-untyped-call]
            if self._stopping:
                return
            if code == -signal.SIGHUP:
                logger().info("told of new secrets while it started; starting it again", process=self._number)
            else:
                deaths.count(ending(code), lambda: "What it logged last says why.")

    def hang_up(self) -> None:
        """Have it read its secrets again."""
        self._send(signal.SIGHUP)

    async def stop(self, patience_seconds: float) -> None:
        """Let it drain and end; kill it if it does not."""
        self._stopping = True
        if self._process is None:
            return
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_seconds):
                await self._process.wait()
        except TimeoutError:
            logger().error("process does not stop; killing it", process=self._number)
            self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


@contextmanager
def _holding_port(settings: Settings) -> Iterator[None]:
    """Take the port without listening on it: nobody else gets it, and a port that is taken is told at once."""
    if settings.port == 0:
        raise SettingsError("MIDI_INGEST_PORT: several processes cannot share a port of 0. Choose one.")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((settings.host, settings.port))
        except OSError as error:
            raise Stopped(binding.refusal(settings, error)) from None
        yield


def _pass_on(siblings: Iterable[_Sibling]) -> None:
    for sibling in siblings:
        sibling.hang_up()
