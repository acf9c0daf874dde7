"""Kafka is stopped or frozen under load while the ingress is killed with -9: every 200 is in the topic afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import psutil

from broker import topics
from broker.embedded import EmbeddedKafka
from schemas.topics import shared
from tests.faults.spooling import Ledger, drained, ingress
from tests.installation import Process
from tests.topics import make_settings

AWAY_SECONDS = float(os.environ.get("MIDI_INGEST_TEST_AWAY_SECONDS", "6"))
FROZEN_SECONDS = float(os.environ.get("MIDI_INGEST_TEST_FROZEN_SECONDS", "6"))

LARGEST_RSS_BYTES = 400 * 2**20
"""What the process takes by itself, and twice `MIDI_INGEST_MAX_IN_FLIGHT_BYTES`."""


async def kill_and_start(process: Process) -> None:
    await process.kill()
    process.start()
    await process.ready()


async def watch_memory(process: Process, largest: list[int]) -> None:
    while True:
        with suppress(psutil.Error):
            assert process.running
            largest[0] = max(largest[0], psutil.Process(process.running.pid).memory_info().rss)
        await asyncio.sleep(0.2)


async def survives(kafka: EmbeddedKafka, folder: Path, fault: Callable[[Process], Awaitable[None]]) -> None:
    """Run the ingress under load, before, during and after a fault; then compare what it said with the topic."""
    settings = make_settings(kafka.bootstrap_servers, folder)
    await topics.apply(settings, shared())
    ledger, stop, largest = Ledger(), asyncio.Event(), [0]
    async with ingress(settings, folder) as process:
        memory = asyncio.create_task(watch_memory(process, largest))
        async with asyncio.TaskGroup() as group:
            group.create_task(ledger.post_steadily(f"{process.health_url}{settings.path}", stop))
            await ledger.more_acknowledged()
            await fault(process)
            await ledger.more_acknowledged()
            stop.set()
        await drained(process, 60 + AWAY_SECONDS)
        memory.cancel()
        await ledger.check(settings)
        assert not ledger.refused
    print(f"largest RSS {largest[0] / 2**20:.0f} MiB")  # noqa: T201 - a figure of a long run
    assert largest[0] < LARGEST_RSS_BYTES


async def test_nothing_acknowledged_is_lost_while_kafka_is_stopped_and_the_ingress_killed(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    async def stopped(process: Process) -> None:
        await kafka.stop()
        for _ in range(2):
            await asyncio.sleep(AWAY_SECONDS / 2)  # the fault: it lasts so long
            await kill_and_start(process)
        await kafka.start()
        await kill_and_start(process)  # while it drains

    await survives(kafka, tmp_path, stopped)


async def test_nothing_acknowledged_is_lost_while_kafka_is_frozen(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    async def frozen(process: Process) -> None:
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_SECONDS)  # the fault: it lasts so long
            await kill_and_start(process)
        finally:
            os.kill(kafka.pid, signal.SIGCONT)

    await survives(kafka, tmp_path, frozen)
