"""Workers are killed with -9, one after the other, while callbacks pass, each of them twice."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import aiohttp

from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas.callback import Task
from schemas.file import MidiFile
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import DEAD_LETTER
from tests.faults.counting import stored
from tests.installation import Installation, installed
from tests.topics import eventually, read_all, read_until
from workers.catalogue import BUILT_IN

CALLBACKS = int(os.environ.get("MIDI_INGEST_TEST_CALLBACKS", "300"))
NOTES = int(os.environ.get("MIDI_INGEST_TEST_NOTES", "100"))
PATIENCE_SECONDS = 60 + CALLBACKS * NOTES / 1000
CONNECTIONS = 8


async def test_each_task_has_one_score_and_one_file_though_every_worker_is_killed_and_every_callback_repeated(
    settings: Settings, tmp_path: Path
) -> None:
    ids = [f"task-{number}" for number in range(CALLBACKS)]
    async with installed(settings, tmp_path) as installation:
        posting = asyncio.create_task(_post_twice(installation, ids))
        for name in BUILT_IN:
            if name != "route-failures":  # which has nothing to do here, and is killed idle
                await _some_progress(installation, name, posting)
            await installation.processes[name].kill()
            installation.processes[name].start()
        await posting

        await read_until(
            settings, Outcome.topic, lambda seen: {*ids} <= {r.key for r in seen}, PATIENCE_SECONDS
        )
        await installation.settled()  # the repeats have passed through, too

    expected = Counter(ids)
    for topic in (Task.topic, Score.topic, MidiFile.topic, Outcome.topic):
        records = [record for record in await read_all(settings, topic) if record.key in expected]
        assert Counter(record.key for record in records) == expected, topic.name
    outcomes = await read_all(settings, Outcome.topic)
    assert {Outcome.decode(record.value).status for record in outcomes} == {"complete"}
    assert await read_all(settings, DEAD_LETTER) == []
    songs = {path.parent.name for path in stored(settings, "tasks/*/song.mid")}
    assert {*ids} <= songs
    assert stored(settings, "tasks/*/.*") == []


async def _post_twice(installation: Installation, ids: list[str]) -> None:
    """Post each callback, and all of them once more."""
    slots = asyncio.Semaphore(CONNECTIONS)

    async def post(session: aiohttp.ClientSession, task_id: str) -> None:
        async with slots:
            body = await asyncio.to_thread(samples.song, task_id, NOTES)
            headers = {"Content-Type": "application/json"}
            async with session.post(installation.url, data=body, headers=headers) as response:
                assert response.status == 200, await response.text()

    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            await asyncio.gather(*(post(session, task_id) for task_id in ids))


async def _some_progress(installation: Installation, name: str, posting: asyncio.Task[None]) -> None:
    """Wait until a worker is in the midst of its work: it has read more than when we looked first."""
    process = installation.processes[name]
    await process.ready()
    before = await _records_in(process.health_url)

    async def goes_on() -> bool:
        return posting.done() or await _records_in(process.health_url) > before

    await eventually(goes_on, lambda: f"{name} reads nothing: {process.log_file.read_text()[-2000:]}")


async def _records_in(url: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("midi_ingest_worker_records_in_total")
    )
