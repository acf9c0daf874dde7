"""`midi-ingest ingest`: the HTTP ingress."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from midi_ingest import process
from midi_ingest.settings import Settings, guard_of, require_tls


def ingest(
    *,
    processes: Annotated[int, Parameter(validator=Number(gte=1, lte=256))] = 1,
    reuse_port: Annotated[bool, Parameter(negative="")] = False,
    number: Annotated[int | None, Parameter(show=False)] = None,
) -> int:
    """Take in callbacks over HTTP and publish them to Kafka, until SIGTERM or Ctrl-C.

    Args:
        processes: how many processes share the port; one that dies is started again.
        reuse_port: let other processes listen on the same port, too (SO_REUSEPORT).
        number: which of several processes this is, for its log lines.
    """
    # Until there is something that can read secrets again, a SIGHUP waits; it would end the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    if processes > 1:
        from midi_ingest.siblings import run  # noqa: PLC0415 - only this way needs it

        return run(processes)
    return process.run(
        "ingest", lambda settings, stop: _serve(settings, stop, reuse_port=reuse_port), number=number
    )


async def _serve(settings: Settings, stop: asyncio.Event, *, reuse_port: bool) -> None:
    from ingest.server import serve  # noqa: PLC0415 - so that other commands start without a web server

    require_tls(settings)
    await serve(settings, guard_of(settings), stop, reuse_port=reuse_port)
