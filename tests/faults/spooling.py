"""The ingress with a spool, as a process of its own, and the ledger of what it said."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from broker.embedded.ports import free_port
from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.callback import Callback
from tests.installation import Process
from tests.topics import PATIENCE_SECONDS, eventually, read_all

RATE = float(os.environ.get("MIDI_INGEST_TEST_RATE", "60"))
PROMISED_SECONDS = 5.0
NOTES = 50


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

    async def post(self, url: str, body: bytes | None = None, task_id: str | None = None) -> int | None:
        """Post one callback, a song unless it is given; the status, None where no answer came."""
        async with aiohttp.ClientSession() as session:
            return await self._post(session, url, task_id or uuid.uuid4().hex, body)

    async def post_until(self, url: str, status: int) -> None:
        """Post one callback after the other until one is answered so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.post(url) != status:
                pass

    async def _post(
        self, session: aiohttp.ClientSession, url: str, task_id: str, body: bytes | None = None
    ) -> int | None:
        body = body or samples.song(task_id, NOTES)
        started = time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=io.BytesIO(body), headers=headers) as answer:
                await answer.read()
        except aiohttp.ClientError:  # the ingress was killed, or is being started again
            self.unknown.add(task_id)
            return None
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - started)
        if answer.status == 200:
            self.acknowledged[task_id] = body
        else:
            assert answer.status != 503 or int(answer.headers["Retry-After"]) > 0
            self.refused[answer.status] += 1
            self.refused_ids.add(task_id)
        return answer.status

    async def more_acknowledged(self) -> None:
        """Wait until a second's worth of callbacks more has been acknowledged."""
        enough = len(self.acknowledged) + RATE

        async def there() -> bool:
            return len(self.acknowledged) >= enough

        await eventually(there, lambda: "nothing is acknowledged")

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
        assert self.slowest_seconds <= PROMISED_SECONDS


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


def spool_of(process: Process) -> Path:
    """Where it keeps callbacks while Kafka is away."""
    return Path(process.env["MIDI_INGEST_SPOOL_DIR"])


def files_in(folder: Path) -> list[Path]:
    """The databases of a spool."""
    return list(folder.glob("*.sqlite3"))


async def drained(process: Process, patience: float = PATIENCE_SECONDS) -> None:
    """Wait until Kafka is there and nothing waits on disk any more."""

    async def spool_is_empty() -> bool:
        _, told = await readiness(process)
        return bool(told.get("kafka")) and not files_in(spool_of(process))

    await eventually(spool_is_empty, lambda: process.log_file.read_text()[-3000:], patience)


async def readiness(process: Process) -> tuple[int, dict[str, Any]]:
    """What `/readyz` says: the status, and what it tells."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.health_url}/readyz") as answer,
    ):
        return answer.status, await answer.json(content_type=None)
