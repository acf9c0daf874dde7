"""Lanes in this process: workers that run here, and words for the worker that counts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker import topics
from midi_ingest.settings import Settings
from tests.faults.words import Counted, Word
from tests.topics import read_until, write
from workers.runtime.api import Worker
from workers.runtime.run import run


@asynccontextmanager
async def running(settings: Settings, *workers: Worker) -> AsyncIterator[asyncio.Task[None]]:
    """Run workers in this process, their topics made if need be."""
    await topics.apply(settings, list(dict.fromkeys(topic for w in workers for topic in w.topics(settings))))
    stop = asyncio.Event()
    task = asyncio.create_task(run(workers, settings, stop, version="test"))
    try:
        yield task
    finally:
        stop.set()
        await task


async def words(settings: Settings, *pairs: tuple[str, str]) -> None:
    """Append words (key, word)."""
    await topics.apply(settings, [Word.topic])
    await write(settings, Word.topic, *((key, word.encode(), {}) for key, word in pairs))


async def counted(settings: Settings, enough: int) -> list[tuple[str, str, int]]:
    """What was written as (key, word, times), once there is so much."""
    seen = await read_until(settings, Counted.topic, lambda records: len(records) >= enough)
    messages = [(record.key, Counted.decode(record.value)) for record in seen]
    return [(key, message.word, message.times) for key, message in messages]
