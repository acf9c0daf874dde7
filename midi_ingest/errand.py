"""What every command does that asks Kafka something, or has something done there, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from errno import ENOSPC
from typing import Literal

from aiokafka.errors import KafkaError

from broker.topics import TopicsError
from midi_ingest.cli import USAGE, fail, kafka_failed
from midi_ingest.process import Stopped
from midi_ingest.settings import Settings, SettingsError, load
from telemetry import logs

OutputFormat = Literal["table", "json"]


class Usage(ValueError):
    """What was asked for makes no sense; the message says why and what to do."""


def run(name: str, work: Callable[[Settings], Coroutine[None, None, int]]) -> int:
    """Do ``work``, which returns the exit code; whatever stops it is said on standard error.

    ``name`` is what the log lines call this process.
    """
    try:
        settings = load()
    except SettingsError as error:
        return fail(str(error), USAGE)
    logs.configure(settings, name)
    try:
        return asyncio.run(work(settings))
    except Usage as error:
        return fail(str(error), USAGE)
    except (Stopped, TopicsError) as error:
        return fail(str(error))
    except BrokenPipeError:
        raise  # who read our output has gone: `midi_ingest.cli.main` knows what to do
    except (KafkaError, OSError) as error:  # a TimeoutError is an OSError
        if isinstance(error, OSError) and error.errno == ENOSPC:
            raise  # it knows that, too
        return kafka_failed(settings.kafka_bootstrap_servers, error)
    except KeyboardInterrupt:
        return fail("interrupted")


def partly(timeout_seconds: float) -> int:
    """Say that not all was read in time; returns the exit code for that."""
    return fail(
        f"this is not all: reading was cut off after {timeout_seconds:g} s. Allow more with --timeout."
    )
