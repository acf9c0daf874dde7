"""The servers that are compared, on one embedded Kafka; what they answered with 200 must be there at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import TopicPartition

from bench.ingress import origins
from bench.load import Connection, Head, connected, flood, head
from bench.processes import Process, cpu_seconds, running
from bench.songs import Song, Songs
from broker import clients, topics
from broker.embedded import EmbeddedKafka
from broker.settings import KafkaSettings
from midi_ingest.settings import Settings
from schemas.callback import Callback
from schemas.topics import FAILURES

BARE: Final = "bare"
BARE_ASYNCIO: Final = "bare, asyncio"
NAIVE: Final = "naive"
OURS: Final = "ours"
PLAIN: Final = "ours, uncompressed"
BY_URL: Final = "ours, url-token"
SIGNED: Final = "ours, standard-webhooks"
TWO: Final = "ours, 2 processes"
FRESH: Final = "ours, fresh"
PROFILED: Final = "ours, profiled"
SIGNED_PROFILED: Final = "ours, standard-webhooks, profiled"

_INGEST: Final = ("midi_ingest", "ingest")
_PROFILED: Final = ("bench.servers.profiled", "ingest")


@dataclass(frozen=True, slots=True)
class Turns:
    """How servers take turns: in each round, each gets each load for so many seconds on so many connections."""

    rounds: int
    seconds: float
    connections: int
    loads: tuple[Songs, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """One server under one load for a while."""

    requests: int
    seconds: float
    cpu_us_per_request: float


class Server:
    """A server: its process, how it is posted to, and how many requests it has answered with 200.

    ``kept`` says in which Kafka's topics it keeps them, if it does.
    """

    def __init__(self, process: Process, kept: KafkaSettings | None = None, make_head: Head = head) -> None:
        self.process, self.name, self.kept = process, process.name, kept
        self.answered = 0
        self._make_head = make_head

    @asynccontextmanager
    async def connected(self, songs: Iterable[Song], connections: int) -> AsyncIterator[list[Connection]]:
        """New connections, each of which has posted once."""
        async with connected(self.process.port, connections, self._make_head) as opened:
            self.answered += await flood(opened, songs, seconds=0)
            yield opened

    async def window(self, songs: Iterable[Song], connections: int, seconds: float) -> Window:
        """Post as fast as is answered for a while."""
        async with self.connected(songs, connections) as opened:
            cpu, started = cpu_seconds(self.process.pid), time.perf_counter()
            requests = await flood(opened, songs, seconds)
            took = time.perf_counter() - started
            cpu = cpu_seconds(self.process.pid) - cpu
        self.answered += requests
        return Window(requests, took, cpu / requests * 1e6)


@asynccontextmanager
async def under_test() -> AsyncIterator[dict[str, Server]]:
    """All servers by name, ready; they end with the block.

    Raises:
        SystemExit: at the end, Kafka does not hold one record for each request that was answered with 200.
    """
    with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as temporary:
        folder = Path(temporary)
        async with EmbeddedKafka(folder / "kafka", port=0) as kafka:
            ours = Settings(kafka_bootstrap_servers=kafka.bootstrap_servers)
            naive = ours.model_copy(update={"topic_prefix": "naive."})
            for settings in (ours, naive):
                await topics.apply(settings, [Callback.topic, FAILURES])
            servers = _servers(ours, naive, folder)
            async with running([server.process for server in servers]):
                yield {server.name: server for server in servers}
            for settings in (ours, naive):
                answered = sum(server.answered for server in servers if server.kept is settings)
                await _check_kept(settings, answered)


def _servers(ours: KafkaSettings, naive: KafkaSettings, folder: Path) -> list[Server]:
    def bare(name: str, *arguments: str) -> Server:
        return Server(Process(name, ["bench.servers.bare", "{port}", *arguments], {}, folder))

    def ingest(
        name: str,
        command: Iterable[str] = _INGEST,
        env: Mapping[str, str] | None = None,
        *,
        listeners: int = 1,
    ) -> Process:
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": ours.kafka_bootstrap_servers, "MIDI_INGEST_PORT": "{port}"}
        return Process(name, list(command), kafka | dict(env or {}), folder, listeners=listeners)

    where = [naive.kafka_bootstrap_servers, naive.layout.name(Callback.topic)]
    naive_process = Process(NAIVE, ["bench.servers.naive", "{port}", *where], {}, folder)
    signed, sign = origins.STANDARD_WEBHOOKS, origins.standard_webhooks
    return [
        bare(BARE),
        bare(BARE_ASYNCIO, "asyncio"),
        Server(naive_process, naive),
        Server(ingest(OURS), ours),
        Server(ingest(PLAIN, env={"MIDI_INGEST_COMPRESSION": "none"}), ours),
        Server(ingest(BY_URL, env=origins.URL_TOKEN), ours, origins.url_token),
        Server(ingest(SIGNED, env=signed), ours, sign),
        Server(ingest(TWO, [*_INGEST, "--processes", "2"], listeners=2), ours),
        Server(ingest(FRESH), ours),
        Server(ingest(PROFILED, _PROFILED), ours),
        Server(ingest(SIGNED_PROFILED, _PROFILED, signed), ours, sign),
    ]


async def _check_kept(settings: KafkaSettings, answered: int) -> None:
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        topic = settings.layout.name(Callback.topic)
        ends = await consumer.end_offsets([TopicPartition(topic, p) for p in range(settings.partitions)])
    finally:
        await consumer.stop()
    if (kept := sum(ends.values())) != answered:
        raise SystemExit(f"{answered} callbacks were answered with 200, but {topic} holds {kept} records.")
