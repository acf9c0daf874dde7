"""Processes that count words, and the ledger of them: outputs equal inputs, each once, in the order of their key."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from broker import clients, topics
from broker.embedded.ports import free_port
from midi_ingest.settings import Settings
from schemas.topics import DEAD_LETTER, shared
from tests.faults import words
from tests.faults.words import Counted, Word, count, count_again
from tests.installation import Process, environment
from tests.topics import eventually, make_settings, read_all
from workers.route_failures import route_failures
from workers.runtime.api import Worker

SESSION_SECONDS = 2.0
"""After so long without a word from a process, its partitions go to others; Kafka has to allow that."""

KAFKA = {"group.min.session.timeout.ms": "1000"}


def stored(settings: Settings, pattern: str) -> list[Path]:
    """The files in the store's directory that fit a pattern."""
    return list(Path(settings.store).glob(pattern))


async def made_settings(servers: str, folder: Path, *workers: Worker) -> Settings:
    """Settings with topics of their own for some workers."""
    settings = make_settings(servers, folder).model_copy(update={"session_timeout_seconds": SESSION_SECONDS})
    needed = [
        topic
        for worker in (count, count_again, route_failures, *workers)
        for topic in worker.topics(settings)
    ]
    await topics.apply(settings, list(dict.fromkeys([*shared(), *needed])))
    return settings


def member(settings: Settings, folder: Path, *names: str, **env: str) -> Process:
    """A process with these workers, not started."""
    port = free_port()
    own = {
        **environment(settings),
        "MIDI_INGEST_HEALTH_PORT": str(port),
        "MIDI_INGEST_SESSION_TIMEOUT_SECONDS": str(settings.session_timeout_seconds),
        **env,
    }
    references = [f"{words.__file__}:{name}" if hasattr(words, name) else name for name in names or ["count"]]
    return Process(["worker", *references], own, folder / f"{port}.log", f"http://127.0.0.1:{port}")


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    """Have them run and ready; stop at the end what still runs, which has to go well."""
    for process in processes:
        process.start()
    try:
        await asyncio.gather(*(process.ready() for process in processes))
        yield
    finally:
        await stop(*processes)


async def stop(*processes: Process) -> None:
    """Stop those that still run, as an operator does."""
    alive = [process for process in processes if process.running and process.running.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
    codes = await asyncio.gather(*(process.ended() for process in alive))
    assert set(codes) <= {0}, "\n".join(process.log_file.read_text()[-3000:] for process in alive)


async def total(process: Process, metric: str) -> float:
    """A metric's sum over its labels."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.health_url}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(metric))


@asynccontextmanager
async def kept_running(process: Process) -> AsyncIterator[list[int]]:
    """Start it again whenever it dies; its exit codes."""
    codes: list[int] = []

    async def keep() -> None:
        while True:
            process.start()
            assert process.running
            codes.append(await asyncio.to_thread(process.running.wait))

    keeping = asyncio.create_task(keep())
    try:
        await process.ready()
        yield codes
    finally:
        keeping.cancel()
        await stop(process)


@dataclass
class WordLedger:
    """Words that were sent, by key and in order."""

    settings: Settings
    sent: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def send(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Append words (key, word), at once."""
        producer = clients.producer(self.settings)
        await producer.start()
        try:
            name = self.settings.layout.name(Word.topic)
            acks = []
            for key, word in pairs:
                acks.append(await producer.send(name, word.encode(), key=key.encode()))
                self.sent[key].append(word)
            await asyncio.gather(*acks)
        finally:
            await producer.stop()

    async def send_numbers(self, count: int, keys: int = 10) -> None:
        """Append so many words more, over some keys."""
        start = sum(map(len, self.sent.values()))
        await self.send((f"key-{n % keys}", f"{n}") for n in range(start, start + count))

    async def some_more(self, count: int = 1) -> None:
        """Wait until so many words more than now have come out."""
        before = len(await read_all(self.settings, Counted.topic))

        async def there() -> bool:
            return len(await read_all(self.settings, Counted.topic)) >= before + count

        await eventually(there, lambda: "no word comes out")

    async def all_out(self, *processes: Process) -> None:
        """Wait until every word has come out or is a dead letter."""
        awaited = {word for sent in self.sent.values() for word in sent}
        missing = set(awaited)

        async def there() -> bool:
            out = {word for counted in (await self._out()).values() for word, _ in counted}
            missing.intersection_update(awaited - out - await self.dead())
            return not missing

        def told() -> str:
            logs = "\n".join(process.log_file.read_text()[-3000:] for process in processes)
            return f"{len(missing)} words are missing, such as {sorted(missing)[:5]}\n{logs}"

        await eventually(there, told)

    async def dead(self) -> set[str]:
        """The words that are dead letters."""
        return {letter.value.decode() for letter in await read_all(self.settings, DEAD_LETTER)}

    async def check_once(self, dead: Iterable[str] = ()) -> None:
        """Each word came out once, in the order of its key, and counted in the state once; but for the dead ones."""
        dead = set(dead)
        letters = [letter.value.decode() for letter in await read_all(self.settings, DEAD_LETTER)]
        assert sorted(letters) == sorted(dead)
        expected = {
            key: [(word, times) for times, word in enumerate((w for w in sent if w not in dead), 1)]
            for key, sent in self.sent.items()
        }
        assert await self._out() == {key: counted for key, counted in expected.items() if counted}

    async def check_at_least_once(self) -> None:
        """Each word came out, for the first time in the order of its key."""
        out = await self._out()
        first = {key: list(dict.fromkeys(word for word, _ in counted)) for key, counted in out.items()}
        assert first == dict(self.sent)

    async def repeats(self) -> int:
        """How many words came out more than once."""
        out = await self._out()
        return sum(map(len, out.values())) - sum(map(len, self.sent.values()))

    async def _out(self) -> dict[str, list[tuple[str, int]]]:
        records = sorted(await read_all(self.settings, Counted.topic), key=lambda r: (r.partition, r.offset))
        messages = [(record.key, Counted.decode(record.value)) for record in records]
        by_key = itertools.groupby(sorted(messages, key=lambda pair: pair[0]), key=lambda pair: pair[0])
        return {key: [(m.word, m.times) for _, m in group] for key, group in by_key}
