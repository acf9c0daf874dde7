"""The side port on which a worker answers health checks and shows its metrics."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


class CannotListen(OSError):
    """The side port cannot be bound; the message says why and what to do."""


class Health(NamedTuple):
    """Whether all is well, and what is told of it beside."""

    well: bool
    told: Mapping[str, object] = MappingProxyType({})


@asynccontextmanager
async def serve(
    host: str, port: int, *, alive: Callable[[], Health], ready: Callable[[], Health]
) -> AsyncIterator[int]:
    """Answer ``/healthz``, ``/readyz`` and ``/metrics`` while the block runs; yields the port that is bound.

    ``alive`` asks only the process itself, ``ready`` also what it depends on.

    Raises:
        CannotListen: the port cannot be bound.
    """

    async def answer(request: web.BaseRequest) -> web.Response:
        match request.path:
            case "/healthz":
                return _answer(alive())
            case "/readyz":
                return _answer(ready())
            case "/metrics":
                return metrics()
            case _:
                return web.Response(status=404, text="Here are /healthz, /readyz and /metrics.\n")

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        try:
            await site.start()
        except OSError as error:
            raise _refusal(host, port, error) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def metrics() -> web.Response:
    """All metrics of this process, or of all that share them with it, in Prometheus' text format."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def why_not_bound(error: OSError) -> str | None:
    """Why an address cannot be bound, without the address, which uvloop's own words name."""
    # A number below 0 is of the look-up of a name.
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else error.strerror


def _refusal(host: str, port: int, error: OSError) -> CannotListen:
    return CannotListen(
        f"Cannot answer health checks on {host}:{port}: {why_not_bound(error)}. "
        "Set MIDI_INGEST_HEALTH_PORT to a port that is free, and MIDI_INGEST_HEALTH_HOST to an address of this machine."
    )


def _answer(health: Health) -> web.Response:
    status = "ok" if health.well else "unavailable"
    return web.json_response({"status": status, **health.told}, status=200 if health.well else 503)
