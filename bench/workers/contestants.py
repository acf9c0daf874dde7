"""Who takes turns: processes of one consumer group that write a record for each callback, with topics of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import Process, cpu_seconds
from bench.workers import bare_loop, no_op
from broker import topics
from midi_ingest.settings import Settings
from schemas.callback import Callback, Task
from schemas.message import Topic
from workers.deduplicate import deduplicate
from workers.runtime.api import Worker

BARE: Final = "bare loop"
BARE_DECIDES: Final = "bare loop that decides"
DEDUPLICATE: Final = "deduplicate"
NO_OP: Final = "no-op worker"


@dataclass(frozen=True, slots=True)
class Contestant:
    """Processes that read callbacks as ``group`` and write to ``writes``."""

    name: str
    settings: Settings
    group: str
    writes: Topic
    processes: Sequence[Process]

    def cpu_seconds(self) -> float:
        """The CPU time that all of its processes have taken."""
        return sum(cpu_seconds(process.pid) for process in self.processes)


@dataclass(frozen=True, slots=True)
class Entry:
    """Enters contestants for a contest on the Kafka at ``servers``; their logs are in ``folder``."""

    servers: str
    folder: Path
    partitions: int

    async def bare_loop(self, name: str = BARE, *options: str) -> Contestant:
        """A loop written by hand."""
        settings = self._settings(name)
        await topics.apply(settings, [Callback.topic, Task.topic])
        where = [settings.kafka_bootstrap_servers, settings.topic_prefix, str(settings.partitions)]
        process = Process(name, ["bench.workers.bare_loop", "{port}", *where, *options], {}, self.folder)
        return Contestant(name, settings, settings.topic_prefix + bare_loop.GROUP, Task.topic, [process])

    async def bare_loop_that_decides(self) -> Contestant:
        """The loop, which also reads each callback as deduplicate does, but remembers nothing."""
        return await self.bare_loop(BARE_DECIDES, "decide")

    async def deduplicate(self, name: str = DEDUPLICATE, processes: int = 1) -> Contestant:
        """The worker that does more of Kafka's work than any other: it has a changelog."""
        return await self._worker(name, deduplicate, deduplicate.name, Task.topic, processes)

    async def no_op(self) -> Contestant:
        """A custom worker that does nothing."""
        reference = f"{no_op.__file__}:no_op"
        return await self._worker(NO_OP, no_op.no_op, reference, no_op.PassedOn.topic)

    async def _worker(
        self, name: str, worker: Worker, reference: str, writes: Topic, processes: int = 1
    ) -> Contestant:
        settings = self._settings(name)
        await topics.apply(settings, worker.topics(settings))
        env = {
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
            "MIDI_INGEST_PARTITIONS": str(settings.partitions),
            "MIDI_INGEST_HEALTH_PORT": "{port}",
        }
        started = [
            Process(f"{name} {number}", ["midi_ingest", "worker", reference], env, self.folder)
            for number in range(1, processes + 1)
        ]
        return Contestant(name, settings, settings.topic_prefix + worker.name, writes, started)

    def _settings(self, name: str) -> Settings:
        prefix = name.replace(" ", "-").replace(",", "") + "."
        return Settings(kafka_bootstrap_servers=self.servers, topic_prefix=prefix, partitions=self.partitions)
