"""The HTTP server: listens, and ends without leaving a sender unanswered."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from ingest.callbacks import Callbacks
from ingest.delivery import Delivery
from ingest.http import binding, tls
from ingest.http.connections import ConnectionLimits, Server
from ingest.ingress import Ingress, State
from ingest.limits import Budgets
from ingest.memory import keep_freed_memory
from ingest.origin.addresses import is_loopback
from ingest.origin.guard import Guard
from ingest.origin.keyring import OriginError
from ingest.publishing.publisher import Publisher, publishing
from ingest.settings import IngressSettings
from ingest.spool.spool import Spool, spooling
from telemetry import metrics
from telemetry.logs import logger

_BACKLOG: Final = 1024
_LAST_WRITES_SECONDS: Final = 1.0
_LAST_REQUESTS_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.01
_GAUGES_SECONDS: Final = 1.0
_LAST_TURNS: Final = 3
"""Turns of the event loop in which connections are taken that the system has accepted: closing would reset them."""

_OTHER_FILES: Final = 256
"""Descriptors for all that is no connection of a sender: Kafka's connections, the spool, the log."""


async def serve(
    settings: IngressSettings,
    guard: Guard,
    stop: asyncio.Event,
    *,
    on_ready: Callable[[int], None] | None = None,
    reuse_port: bool = False,
) -> None:
    """Take in callbacks until ``stop`` is set; then answer what is under way and deliver what was taken in.

    SIGHUP reads the files of secrets again. ``on_ready`` is told the bound port as soon as requests are
    answered, whether or not Kafka can be reached. With ``reuse_port``, other processes may share the port.

    Raises:
        OSError: the address cannot be bound, a TLS file cannot be used, or the spool's directory cannot be
            written to; the message names the setting.
    """
    keep_freed_memory()
    budgets = Budgets.of(settings.max_in_flight_bytes)
    async with (
        publishing(settings, budgets, on_failure=stop.set) as publisher,
        _spool(settings, publisher, on_failure=stop.set) as spool,
    ):
        delivery = Delivery(publisher, spool, budgets.spool, settings.spool_timeout_seconds)
        callbacks = Callbacks(settings, delivery.deliver, guard, budgets)
        ingress = Ingress(settings.path, callbacks, state=lambda: _state(publisher, spool, delivery))
        async with listening(settings, ingress, budgets, reuse_port=reuse_port) as port:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reread, callbacks)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one may have been held until now
            metrics.START_TIME_SECONDS.labels("ingest").set_to_current_time()
            logger().info("listening", url=_url(settings, port), origin=_origin(settings))
            if not guard.verifies and not is_loopback(settings.host):
                logger().warning("anybody may post", host=settings.host, setting="MIDI_INGEST_ORIGIN")
            if on_ready is not None:
                on_ready(port)
            await stop.wait()
            logger().info("stopping")


@contextlib.asynccontextmanager
async def listening(
    settings: IngressSettings, ingress: Ingress, budgets: Budgets, *, reuse_port: bool = False
) -> AsyncIterator[int]:
    """Answer requests while the block runs; yields the bound port. At its end, what is under way is answered.

    Raises:
        OSError: the address cannot be bound, or a TLS file cannot be used; the message names the setting.
    """
    server = Server(ingress.answer, _limits(settings), budgets.ahead)
    runner = web.ServerRunner(server, shutdown_timeout=_LAST_WRITES_SECONDS)
    await runner.setup()
    listener = await _listen(server, settings, reuse_port=reuse_port)
    gauges = asyncio.create_task(_gauge(server, ingress, budgets))
    try:
        yield listener.sockets[0].getsockname()[1]
        ingress.withdraw()
        await asyncio.sleep(settings.stop_delay_seconds)
        for _ in range(_LAST_TURNS):
            await asyncio.sleep(0)
        listener.close()
        await _first_requests(server)
        await ingress.drain(settings.drain_timeout_seconds)
    finally:
        gauges.cancel()
        listener.close()
        await runner.cleanup()


async def _first_requests(server: Server) -> None:
    """Let connections that were made in the last moment send what they were made for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_REQUESTS_SECONDS):
            while server.awaits_first_requests:
                await asyncio.sleep(_POLL_SECONDS)


@contextlib.asynccontextmanager
async def _spool(
    settings: IngressSettings, publisher: Publisher, *, on_failure: Callable[[], None]
) -> AsyncIterator[Spool | None]:
    """The spool, where there is one; it drains while the block runs. Should that fail, ``on_failure`` is called."""
    if settings.spool_dir is None:
        yield None
        return
    async with spooling(settings.spool_dir, settings.spool_max_bytes) as spool:
        drain = asyncio.create_task(spool.drain(publisher.publish_all, lambda: publisher.ready))
        drain.add_done_callback(lambda _: on_failure())
        publisher.on_connected(spool.wake)
        try:
            yield spool
        finally:
            drain.cancel()
            await asyncio.wait([drain])
            if not drain.cancelled():
                drain.result()


def _state(publisher: Publisher, spool: Spool | None, delivery: Delivery) -> State:
    """Whether callbacks can be made safe, and with what."""
    trouble = publisher.trouble
    kafka = {"kafka": False, "why": trouble} if trouble else {"kafka": True}
    if spool is None:
        return State(not trouble, kafka)
    held = spool.state
    waiting = {
        "records": held.records,
        "bytes": held.size_bytes,
        "oldest_age_seconds": round(held.oldest_age_seconds, 1),
    }
    return State(not (trouble and delivery.refusing), {**kafka, "spool": waiting})


def _reread(callbacks: Callbacks) -> None:
    """On SIGHUP: take the secrets that the files have now; the old ones stay where that cannot be done."""
    try:
        callbacks.guard = callbacks.guard.reread()
    except OriginError as error:
        logger().error("secrets stay as they were", error=str(error))
        return
    if files := callbacks.guard.files:
        logger().info("secrets read again", **files)
    else:
        logger().info(
            "no secrets to read again", why="No setting names a file; variables hold until a restart."
        )


async def _listen(server: Server, settings: IngressSettings, *, reuse_port: bool) -> asyncio.Server:
    """Bind the address and take connections. Not by aiohttp's TCPSite: it lets a TLS handshake take a minute."""
    context = tls.context(settings)
    patience_seconds = None if context is None else settings.header_timeout_seconds
    try:
        return await asyncio.get_running_loop().create_server(
            server,
            settings.host,
            settings.port,
            backlog=_BACKLOG,
            reuse_port=reuse_port,
            ssl=context,
            ssl_handshake_timeout=patience_seconds,
            ssl_shutdown_timeout=patience_seconds,
        )
    except OSError as error:
        raise OSError(binding.refusal(settings, error)) from error


def _limits(settings: IngressSettings) -> ConnectionLimits:
    return ConnectionLimits(
        connections=_connections(settings.max_connections),
        header_bytes=settings.max_header_bytes,
        header_timeout_seconds=settings.header_timeout_seconds,
        unread_bytes=settings.max_unread_bytes,
        unread_timeout_seconds=settings.unread_timeout_seconds,
    )


def _connections(wanted: int) -> int:
    """How many connections there may be, once this process may have as many descriptors as that takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if hard == resource.RLIM_INFINITY or hard >= needed:
        if soft != resource.RLIM_INFINITY and soft < needed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = max(1, hard - _OTHER_FILES)
    logger().warning("fewer connections than wanted", wanted=wanted, possible=possible, open_files=hard)
    return possible


async def _gauge(server: Server, ingress: Ingress, budgets: Budgets) -> None:
    """Tell what is open now and again; in the way of each request it would cost too much."""
    while True:
        metrics.CONNECTIONS.set(len(server.connections))
        metrics.CALLBACKS_IN_FLIGHT.set(ingress.under_way)
        for where, budget in budgets._asdict().items():
            metrics.HELD_BYTES.labels(where).set(budget.taken_bytes)
        await asyncio.sleep(_GAUGES_SECONDS)


def _url(settings: IngressSettings, port: int) -> str:
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{port}{settings.path}"


def _origin(settings: IngressSettings) -> str:
    """How callbacks are verified, as the setting has it."""
    return ",".join("+".join(names) for names in settings.origin or ()) or "none"
