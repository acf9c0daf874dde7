"""`midi-ingest ingest --processes N`: processes that share a port; one that dies is started again.

The kernel spreads new connections over them (SO_REUSEPORT). This process takes none itself: it holds the port,
passes SIGHUP on, and at SIGTERM lets all of them drain together. Each dies with it, whatever ends it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import multiprocess

from ingest.http import binding
from ingest.spool import claim
from midi_ingest import process
from midi_ingest.metrics_dir import metrics_dir
from midi_ingest.process import Stopped
from midi_ingest.settings import Settings, SettingsError, guard_of, require_tls
from midi_ingest.sibling import Sibling, together

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
        siblings = [_sibling(number, env) for number in range(1, processes + 1)]
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _pass_on, siblings)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one may have been held until now
        patience_seconds = settings.stop_delay_seconds + settings.drain_timeout_seconds + STOP_SECONDS
        await together(siblings, stop, patience_seconds)


def _sibling(number: int, env: Mapping[str, str]) -> Sibling:
    return Sibling(
        f"ingest {number}",
        ["ingest", "--reuse-port", "--number", str(number)],
        env,
        ended=lambda pid: multiprocess.mark_process_dead(pid, env[METRICS_DIR]),  # type: ignore[no-untyped-call]
        no_deaths={-signal.SIGHUP: "told of new secrets while it started; starting it again"},
        label=number,
    )


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


def _pass_on(siblings: Iterable[Sibling]) -> None:
    """Have all read their secrets again."""
    for sibling in siblings:
        sibling.send(signal.SIGHUP)
