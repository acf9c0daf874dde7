"""The examples run as a user would run them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from broker import topics
from midi_ingest.settings import Settings
from midi_ingest.workers import find
from schemas.score import Instrument, Note, Score
from tests.topics import read_until, write
from workers.runtime.api import topic_of
from workers.runtime.run import run

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_loudest_note_of_each_song_goes_to_a_topic_of_its_own(settings: Settings) -> None:
    worker = find(f"{EXAMPLES / 'loudest_note.py'}:loudest")
    await topics.apply(settings, worker.topics(settings))
    notes = [Note(0, 10, 60, 50), Note(5, 10, 64, 90), Note(7, 10, 67, 90)]
    piano = Instrument("Piano", 0, drums=False, channel=1, track=1, notes=notes)
    score = Score(task_id="a", duration=10, warnings=[], instruments=[piano])
    silent = Score(task_id="b", duration=0, warnings=[], instruments=[])
    await write(settings, Score.topic, ("b", silent.encode(), {}), ("a", score.encode(), {}))

    stop = asyncio.Event()
    running = asyncio.create_task(run([worker], settings, stop, version="test"))
    (record,) = await read_until(settings, topic_of(worker.writes[0]), bool)
    stop.set()
    await running
    assert (record.key, record.value) == ("a", b'{"instrument":"Piano","pitch":64,"velocity":90}')
