"""The examples run as a user would run them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from broker import clients
from midi_ingest.settings import Settings
from midi_ingest.workers import find
from schemas import headers as h
from schemas.outcome import Outcome
from schemas.score import Instrument, Note, Score
from tests.integration.test_lanes import running
from tests.topics import read_until, write
from workers.runtime.api import topic_of

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_the_loudest_note_of_each_song_goes_to_a_topic_of_its_own(settings: Settings) -> None:
    worker = find(f"{EXAMPLES / 'loudest_note.py'}:loudest")
    notes = [Note(0, 10, 60, 50), Note(5, 10, 64, 90), Note(7, 10, 67, 90)]
    piano = Instrument("Piano", 0, drums=False, channel=1, track=1, notes=notes)
    score = Score(task_id="a", duration=10, warnings=[], instruments=[piano])
    silent = Score(task_id="b", duration=0, warnings=[], instruments=[])
    await write(settings, Score.topic, ("b", silent.encode(), {}), ("a", score.encode(), {}))
    async with running(settings, worker):
        (record,) = await read_until(settings, topic_of(worker.writes[0]), bool)
    assert (record.key, record.value) == ("a", b'{"instrument":"Piano","pitch":64,"velocity":90}')


async def test_the_songs_of_all_lanes_are_counted_by_instrument(settings: Settings) -> None:
    file = EXAMPLES / "songs_per_instrument.py"
    tell, count = find(f"{file}:tell"), find(f"{file}:count")
    piano = Instrument("Piano", 0, drums=False, channel=1, track=1, notes=[Note(0, 10, 60, 50)])
    scores = [
        Score(task_id=f"task-{number}", duration=10, warnings=[], instruments=[piano]) for number in range(12)
    ]
    await write(settings, Score.topic, *((score.task_id, score.encode(), {}) for score in scores))
    async with running(settings, tell, count):
        counts = await read_until(settings, topic_of(count.writes[0]), lambda seen: len(seen) == 12)
    assert [msgspec.json.decode(record.value)["songs"] for record in counts] == list(range(1, 13))
    assert {record.key for record in counts} == {"Piano"}


async def test_each_outcome_is_posted_until_the_server_has_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = find(f"{EXAMPLES / 'post_outcomes.py'}:post")
    answers, got, all_there = iter([503]), dict[str, bytes](), asyncio.Event()

    async def take(request: web.BaseRequest) -> web.Response:
        if status := next(answers, None):
            return web.Response(status=status)
        got[request.headers["ce-id"]] = await request.read()
        if len(got) == len(outcomes):
            all_there.set()
        return web.Response(status=204)

    outcomes = [
        Outcome(task_id=f"task-{number}", status="complete", message="Stored.") for number in range(20)
    ]
    async with RawTestServer(take) as server:
        monkeypatch.setenv("OUTCOMES_URL", str(server.make_url("/")))
        records = ((one.task_id, one.encode(), {h.CE_ID: one.task_id}) for one in outcomes)
        await write(settings, Outcome.topic, *records)
        async with running(settings, worker):
            await asyncio.wait_for(all_there.wait(), 60)
    assert got == {one.task_id: one.encode() for one in outcomes}


async def test_a_consumer_in_go_reads_what_was_committed_by_schema(
    settings: Settings, tmp_path: Path
) -> None:
    program = await built(EXAMPLES / "print_outcomes_go", tmp_path / "print-outcomes")
    outcome = Outcome(task_id="a", status="complete", message="Stored.", file="/store/song.mid")
    failed = Outcome(task_id="b", status="failed", message="Broken.", reason="invalid-payload")
    await aborted(settings, Outcome(task_id="never", status="complete", message="Aborted."))
    await write(settings, Outcome.topic, ("a", outcome.encode(), {}), ("b", failed.encode(), {}))

    name, group = settings.layout.name(Outcome.topic), f"{settings.topic_prefix}go"
    arguments = ["-brokers", settings.kafka_bootstrap_servers, "-topic", name, "-group", group]
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        async with asyncio.timeout(60):
            lines = {(await process.stdout.readline()).decode().strip() for _ in range(2)}
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert lines == {"a complete Stored. /store/song.mid", "b failed Broken."}


async def built(folder: Path, program: Path) -> Path:
    """The program that Go makes of a folder; where Go is missing the test is skipped, but for CI."""
    go = shutil.which("go")
    if go is None and "CI" not in os.environ:
        pytest.skip("Go is not installed")
    assert go, "CI has to have Go: this example runs there always"
    process = await asyncio.create_subprocess_exec(go, "build", "-o", program, ".", cwd=folder)
    assert await process.wait() == 0
    return program


async def aborted(settings: Settings, outcome: Outcome) -> None:
    """Write an outcome in a transaction that is aborted."""
    producer = clients.producer(settings, transactional_id=f"{settings.topic_prefix}aborting")
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.layout.name(Outcome.topic), outcome.encode(), key=b"never")
        await producer.abort_transaction()
    finally:
        await producer.stop()
