"""Kafka is stopped or frozen under load while the ingress is killed with -9: every 200 is in the topic afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import pytest

from broker import topics
from broker.embedded import EmbeddedKafka
from broker.embedded.ports import free_port
from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.callback import Callback
from schemas.topics import shared
from tests.installation import Process
from tests.topics import eventually, make_settings, read_all

AWAY_SECONDS = float(os.environ.get("MIDI_INGEST_TEST_AWAY_SECONDS", "6"))
FROZEN_SECONDS = float(os.environ.get("MIDI_INGEST_TEST_FROZEN_SECONDS", "6"))
RATE = float(os.environ.get("MIDI_INGEST_TEST_RATE", "60"))
PROMISED_SECONDS = 5.0
NOTES = 50

LARGEST_RSS_BYTES = 400 * 2**20
"""What the process takes by itself, and twice `MIDI_INGEST_MAX_IN_FLIGHT_BYTES`."""


@dataclass
class Ledger:
    """What became of each callback: 200, another status, or no answer at all; and the longest time of an answer."""

    acknowledged: dict[str, bytes] = field(default_factory=dict)
    refused: Counter[int] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    refused_ids: set[str] = field(default_factory=set)
    slowest_seconds: float = 0.0

    async def post_steadily(self, url: str, stop: asyncio.Event) -> None:
        """Post `RATE` callbacks a second, each on a connection of its own as senders do, until told to stop."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        started, number = time.monotonic(), 0
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            while not stop.is_set():
                group.create_task(self._post(session, url, uuid.uuid4().hex))
                number += 1
                await asyncio.sleep(started + number / RATE - time.monotonic())

    async def _post(self, session: aiohttp.ClientSession, url: str, task_id: str) -> None:
        body = samples.song(task_id, NOTES)
        started = time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
        except aiohttp.ClientError:  # the ingress was killed, or is being started again
            self.unknown.add(task_id)
            return
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - started)
        if answer.status == 200:
            self.acknowledged[task_id] = body
        else:
            self.refused[answer.status] += 1
            self.refused_ids.add(task_id)

    async def check(self, settings: Settings) -> None:
        """Compare with the topic: nothing acknowledged is missing, nothing is there that was never posted."""
        records = await read_all(settings, Callback.topic)
        there = {record.key: record.value for record in records}
        print(  # noqa: T201 - pytest shows it with -s: the figures of a long run
            f"acknowledged {len(self.acknowledged)}, refused {dict(self.refused)}, unknown {len(self.unknown)}, "
            f"records {len(records)} of {len(there)} tasks, slowest answer {self.slowest_seconds:.2f} s"
        )
        lost = [task_id for task_id in self.acknowledged if task_id not in there]
        assert not lost, f"{len(lost)} of {len(self.acknowledged)} are lost"
        assert self.acknowledged
        assert all(there[task_id] == body for task_id, body in self.acknowledged.items())
        assert set(there) <= {*self.acknowledged, *self.unknown, *self.refused_ids}
        assert not self.refused
        assert self.slowest_seconds <= PROMISED_SECONDS


@pytest.fixture(scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """A Kafka for this file, to be stopped and frozen."""
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), free_port())
    await kafka.start()
    yield kafka
    await kafka.stop()


@asynccontextmanager
async def ingress(settings: Settings, folder: Path, *arguments: str) -> AsyncIterator[Process]:
    """The ingress with a spool, ready."""
    port = free_port()
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
        "MIDI_INGEST_PORT": str(port),
        "MIDI_INGEST_SPOOL_DIR": str(folder / "spool"),
    }
    process = Process(["ingest", *arguments], env, folder / "ingest.log", f"http://127.0.0.1:{port}")
    process.start()
    try:
        await process.ready()
        yield process
    finally:
        if process.running and process.running.poll() is None:
            process.send_signal(signal.SIGTERM)
            await process.ended()


def files_in(folder: str) -> list[Path]:
    return list(Path(folder).glob("*.sqlite3"))


async def spool_is_empty(process: Process) -> bool:
    """Whether Kafka is there and nothing waits on disk any more."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.health_url}/readyz") as answer,
    ):
        told = await answer.json()
    return bool(told.get("kafka")) and not files_in(process.env["MIDI_INGEST_SPOOL_DIR"])


async def drained(process: Process) -> None:
    patience = 60 + AWAY_SECONDS
    await eventually(lambda: spool_is_empty(process), lambda: process.log_file.read_text()[-3000:], patience)


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
            await more_acknowledged(ledger)
            await fault(process)
            await more_acknowledged(ledger)
            stop.set()
        await drained(process)
        memory.cancel()
        await ledger.check(settings)
    print(f"largest RSS {largest[0] / 2**20:.0f} MiB")  # noqa: T201 - a figure of a long run
    assert largest[0] < LARGEST_RSS_BYTES


async def more_acknowledged(ledger: Ledger) -> None:
    """Wait until a second's worth of callbacks more has been acknowledged."""
    enough = len(ledger.acknowledged) + RATE

    async def there() -> bool:
        return len(ledger.acknowledged) >= enough

    await eventually(there, lambda: "nothing is acknowledged")


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
