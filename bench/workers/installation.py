"""A whole installation to measure: an embedded Kafka, the ingress and every worker, each a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import Process, cpu_seconds, running
from broker import topics
from broker.embedded import EmbeddedKafka
from midi_ingest.commands.topics import wanted
from midi_ingest.settings import Settings
from workers.catalogue import BUILT_IN

INGEST: Final = "ingest"
KAFKA: Final = "kafka"


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it is, and what it takes."""

    folder: Path
    settings: Settings
    kafka: EmbeddedKafka
    processes: dict[str, Process]

    @property
    def port(self) -> int:
        """The port of the ingress."""
        return self.processes[INGEST].port

    def cpu_seconds(self) -> dict[str, float]:
        """The CPU time that each part has taken so far."""
        parts = {name: cpu_seconds(process.pid) for name, process in self.processes.items()}
        return parts | {KAFKA: cpu_seconds(self.kafka.pid)}


@asynccontextmanager
async def installed(folder: Path, partitions: int) -> AsyncIterator[Installation]:
    """Start everything with its data in a folder; the block runs once all is ready."""
    async with EmbeddedKafka(folder / "kafka", port=0) as kafka:
        settings = Settings(
            kafka_bootstrap_servers=kafka.bootstrap_servers,
            partitions=partitions,
            store=str(folder / "store"),
        )
        await topics.apply(settings, wanted(settings))
        processes = _processes(settings, folder)
        async with running(list(processes.values())):
            yield Installation(folder, settings, kafka, processes)


def _processes(settings: Settings, folder: Path) -> dict[str, Process]:
    env = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
        "MIDI_INGEST_STORE": settings.store,
        "MIDI_INGEST_PORT": "{port}",
        "MIDI_INGEST_HEALTH_PORT": "{port}",
    }
    commands = {INGEST: [INGEST]} | {name: ["worker", name] for name in BUILT_IN}
    return {name: Process(name, ["midi_ingest", *command], env, folder) for name, command in commands.items()}
