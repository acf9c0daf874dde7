"""A worker's restart: all lanes' state restored from a changelog on a real Kafka, from nothing and from its store.

The restoring process is one of its own, as a worker is: ``python -m bench.state.restores``, with settings in the
environment, opens the state of all of deduplicate's lanes at once, as a worker does, and prints its figures as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bench import report
from bench.state.values import key, value
from broker import clients, topics
from broker.embedded import EmbeddedKafka
from midi_ingest.settings import Settings, load
from schemas.topics import changelog
from workers.deduplicate import deduplicate
from workers.runtime.feeds import Opening

_AT_ONCE: Final = 2_000
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """One start: keys restored, seconds that took, keys a second, and the most memory that the process had."""

    start: str
    keys: int
    seconds: float
    keys_per_second: float
    memory_mib: float


async def measure(keys: int, folder: Path) -> list[Row]:
    """Fill a changelog, then start from nothing, with a temporary store, and from the store on disk."""
    async with EmbeddedKafka(folder / "kafka", port=0) as kafka:
        settings = Settings(kafka_bootstrap_servers=kafka.bootstrap_servers)
        report.say(f"Writing {keys:,} keys to deduplicate's changelog")
        await _fill(settings, keys)
        state = {"MIDI_INGEST_STATE_DIR": str(folder / "state")}
        starts = {"cold, a file": state, "warm, the same file": state, "cold, temporary": {}}
        return [await _start(name, kafka.bootstrap_servers, env) for name, env in starts.items()]


def show(rows: list[Row]) -> None:
    """Print the rows."""
    shown = report.table(
        "A process with all lanes of deduplicate, its state restored",
        "start",
        "keys",
        "s",
        "keys/s",
        "memory MiB",
    )
    for row in rows:
        shown.add_row(
            row.start,
            f"{row.keys:,}",
            f"{row.seconds:.2f}",
            f"{row.keys_per_second:,.0f}",
            f"{row.memory_mib:.0f}",
        )
    report.show(shown)


async def _fill(settings: Settings, keys: int) -> None:
    topic = changelog(deduplicate.name, settings.dedup_window)
    await topics.apply(settings, [topic])
    name, now_ms = settings.layout.name(topic), int(time.time() * 1000)
    async with contextlib.AsyncExitStack() as stack:
        producer = clients.producer(settings)
        await producer.start()
        stack.push_async_callback(producer.stop)
        for start in range(0, keys, _AT_ONCE):
            acks = [
                await producer.send(
                    name,
                    key=key(number).encode(),
                    value=value(number),
                    partition=number % settings.partitions,
                    headers=[("content-type", b"application/json"), ("midi-schema", b"1")],
                    timestamp_ms=now_ms,
                )
                for number in range(start, min(start + _AT_ONCE, keys))
            ]
            await asyncio.gather(*acks)


async def _start(name: str, servers: str, env: dict[str, str]) -> Row:
    report.say(f"Start: {name}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.state.restores"),
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": servers, **env},
        stdout=subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the restoring process ended with {process.returncode}")
    figures = json.loads(said.splitlines()[-1])
    return Row(
        name, figures["keys"], figures["seconds"], figures["keys"] / figures["seconds"], figures["memory_mib"]
    )


async def _restored() -> dict[str, float]:
    """Open the state of all lanes, as a worker does when it starts."""
    settings, began = load(), time.perf_counter()
    async with contextlib.AsyncExitStack() as stack:
        openings = [
            Opening(stack, deduplicate, partition, settings) for partition in range(settings.partitions)
        ]
        states = await asyncio.gather(*(opening.state() for opening in openings))
        seconds = time.perf_counter() - began
        keys = sum(len(state) for state in states if state is not None)
        memory = psutil.Process().memory_info().rss / _MIB
    return {"keys": keys, "seconds": seconds, "memory_mib": memory}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_restored())))
