"""What every long-running command does: settings, logs, an event loop, and an end by signal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop
from aiokafka.errors import KafkaError

from midi_ingest.cli import USAGE, fail, kafka_failed
from midi_ingest.settings import Settings, SettingsError, load
from telemetry import logs, tracing


class Stopped(Exception):
    """What was running cannot go on; the message says why and what to do."""


def run(
    component: str, serve: Callable[[Settings, asyncio.Event], Awaitable[None]], *, number: int | None = None
) -> int:
    """Run ``serve`` until it ends or SIGTERM or SIGINT sets its event; returns the exit code.

    ``component`` is what the log lines call this process, with its ``number`` where there are several. Of
    `Stopped`, only its message is told; what only ``serve`` finds wrong with the settings, it raises as
    `SettingsError`.
    """
    try:
        settings = load()
    except SettingsError as error:
        return fail(str(error), USAGE)
    logs.configure(settings, component, process=number)
    try:
        with tracing.tracing(component):
            uvloop.run(_until_signalled(serve, settings))
    except SettingsError as error:
        return fail(str(error), USAGE)
    except Stopped as error:
        return fail(str(error))
    except KafkaError as error:
        return kafka_failed(settings.kafka_bootstrap_servers, error)
    except OSError as error:
        return fail(str(error))
    return 0


async def _until_signalled(
    serve: Callable[[Settings, asyncio.Event], Awaitable[None]], settings: Settings
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)
