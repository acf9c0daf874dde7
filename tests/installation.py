"""A whole installation for tests: the ingress and all workers as processes of their own, as `up` starts them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiokafka.partitioner import DefaultPartitioner

from broker.embedded.ports import free_port
from broker.embedded.tether import tied_to_this_process
from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.outcome import Outcome
from tests.topics import Seen, eventually, read_until
from workers.catalogue import BUILT_IN


@dataclass
class Process:
    """One part, which can be killed and started again."""

    arguments: list[str]
    env: dict[str, str]
    log_file: Path
    health_url: str
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            command = tied_to_this_process([sys.executable, "-P", "-m", "midi_ingest", *self.arguments])
            self.running = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)

    def send_signal(self, number: signal.Signals) -> None:
        assert self.running
        self.running.send_signal(number)

    async def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        assert self.running
        return await asyncio.to_thread(self.running.wait, 30)

    async def kill(self) -> None:
        """As `kill -9` does."""
        self.send_signal(signal.SIGKILL)
        await self.ended()

    async def ready(self) -> None:
        await eventually(self._is_ready, lambda: f"{self.arguments}: {self.log_file.read_text()[-3000:]}")

    async def _is_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{self.health_url}/readyz") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False


@dataclass
class Installation:
    """Where it is, and what tests do with it."""

    settings: Settings
    url: str
    processes: dict[str, Process] = field(default_factory=dict)

    async def post(self, body: bytes) -> int:
        """Post a callback; the status."""
        return (await self.exchange("POST", self.url, body))[0]

    async def exchange(self, method: str, url: str, body: bytes = b"") -> tuple[int, bytes]:
        """One request with JSON; status and body of the answer."""
        headers = {"Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as response,
        ):
            return response.status, await response.read()

    async def outcomes(self, task_id: str, count: int = 1) -> list[Outcome]:
        """A task's outcomes, once there are so many."""

        def enough(seen: list[Seen]) -> bool:
            return sum(record.key == task_id for record in seen) >= count

        seen = await read_until(self.settings, Outcome.topic, enough)
        return [Outcome.decode(record.value) for record in seen if record.key == task_id]

    async def settled(self) -> None:
        """Wait until a task posted now has ended in each partition, and so have all callbacks before it there."""
        numbers = list(range(self.settings.partitions))
        partition_of, fence = DefaultPartitioner(), dict[int, str]()
        while len(fence) < len(numbers):
            task_id = f"fence-{uuid.uuid4()}"
            fence[partition_of(task_id.encode(), numbers, numbers)] = task_id
        for task_id in fence.values():
            await self.post(samples.song(task_id, 1))
        for task_id in fence.values():
            await self.outcomes(task_id)


@asynccontextmanager
async def installed(settings: Settings, folder: Path, **more: str) -> AsyncIterator[Installation]:
    """Start everything on Kafka topics that exist; yields once all is ready, stops all afterwards."""
    env = environment(settings) | more
    async with installed_apart(settings, folder, lambda _: env) as installation:
        yield installation


@asynccontextmanager
async def installed_apart(
    settings: Settings, folder: Path, env_of: Callable[[str], dict[str, str]]
) -> AsyncIterator[Installation]:
    """As `installed`, each part by its name with an environment of its own."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    installation = Installation(settings, f"{base}{settings.path}")
    env = env_of("ingest") | {"MIDI_INGEST_PORT": str(port)}
    installation.processes["ingest"] = Process(["ingest"], env, folder / "ingest.log", base)
    for name in BUILT_IN:
        installation.processes[name] = worker_process(name, env_of(name), folder)
    processes = installation.processes.values()
    try:
        for process in processes:
            process.start()
        await asyncio.gather(*(process.ready() for process in processes))
        yield installation
    finally:
        await _stop(list(processes))


def worker_process(name: str, env: dict[str, str], folder: Path) -> Process:
    """A process with one worker, not started."""
    port = free_port()
    own = env | {"MIDI_INGEST_HEALTH_PORT": str(port)}
    return Process(["worker", name], own, folder / f"{name}.log", f"http://127.0.0.1:{port}")


def environment(settings: Settings) -> dict[str, str]:
    """What every process of an installation finds in its environment."""
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
        "MIDI_INGEST_STORE": settings.store,
        "MIDI_INGEST_STATE_DIR": str(settings.local_state_dir),
        "MIDI_INGEST_RETRY_DELAYS": ",".join(settings.retry_delays),
    }


async def _stop(processes: Sequence[Process]) -> None:
    """Stop what runs, all at once, and make sure that each ended as it should on SIGTERM."""
    running = [process for process in processes if process.running and process.running.poll() is None]
    for process in running:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
    codes = await asyncio.gather(*(process.ended() for process in running))
    assert set(codes) <= {0}, [
        (p.arguments, c, p.log_file.read_text()[-2000:]) for p, c in zip(running, codes, strict=True) if c
    ]
