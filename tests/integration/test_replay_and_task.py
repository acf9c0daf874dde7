"""`midi-ingest replay` and `midi-ingest task` on a real Kafka, with the built-in workers in this process."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from midi_ingest import samples
from midi_ingest.settings import Settings
from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback, Task
from schemas.outcome import Outcome
from schemas.score import Score
from schemas.topics import DEAD_LETTER, NOW, retry
from tests.in_process import command
from tests.topics import Seen, read_all, read_until, write
from workers.catalogue import BUILT_IN
from workers.runtime.run import run


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """All built-in workers, until the end of the block."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(list(BUILT_IN.values()), settings, stop, version="test"))
    try:
        yield
    finally:
        stop.set()
        await task


async def deliver(settings: Settings, *bodies: tuple[str, bytes]) -> None:
    """Append callbacks (task id, body)."""
    await write(settings, Callback.topic, *((task, body, {h.CE_ID: task}) for task, body in bodies))


async def outcomes(settings: Settings, expected: dict[str, int]) -> list[Seen]:
    """All outcomes, once each task has so many."""

    def enough(seen: Sequence[Seen]) -> bool:
        return Counter(expected) <= Counter(record.key for record in seen)

    return await read_until(settings, Outcome.topic, enough)


async def told(settings: Settings, task_id: str) -> dict[str, Any]:
    """What `midi-ingest task` tells."""
    code, output, errors = await command(settings, "task", task_id, "--output", "json")
    assert (code, errors) == (0, "")
    document: dict[str, Any] = json.loads(output)
    return document


async def test_a_replayed_task_is_written_anew_and_complete_once_more_and_no_other(
    settings: Settings,
) -> None:
    async with working(settings):
        await deliver(settings, *((task, samples.song(task, 20)) for task in ("a", "b")))
        await outcomes(settings, {"a": 1, "b": 1})
        as_it_was = _replaced(settings, "a", b"damaged")

        code, output, _ = await command(settings, "replay", "--task", "a")
        assert (code, "1 record would be replayed" in output) == (0, True)
        assert await read_all(settings, retry("normalize", NOW)) == []
        code, output, _ = await command(settings, "replay", "--task", "a", "--from", "1h", "--yes")
        assert (code, "1 record replayed." in output) == (0, True)

        await outcomes(settings, {"a": 2, "b": 1})
        assert _replaced(settings, "a", b"damaged") == as_it_was
        scores = [score for score in await read_all(settings, Score.topic) if score.key == "a"]
        assert [score.headers[h.ORIGIN] for score in scores] == ["callback", "replay"]
        assert [score.headers[h.CE_ID] for score in scores] == ["a", "a"]

        # a has two scores by now: only the newest of each task is rendered again
        arguments = ("--from", "1h", "--only", "render", "--rate", "100", "--yes", "--output", "json")
        code, output, _ = await command(settings, "replay", *arguments)
        assert (code, json.loads(output)["replayed"]) == (0, 2)
        await outcomes(settings, {"a": 3, "b": 2})
    ended = await read_all(settings, Outcome.topic)
    assert Counter(seen.key for seen in ended) == {"a": 3, "b": 2}
    assert {Outcome.decode(seen.value).status for seen in ended} == {"complete"}
    assert _replaced(settings, "a", b"") == as_it_was
    assert await read_all(settings, DEAD_LETTER) == []


async def test_a_replay_waits_for_a_worker_that_is_behind_and_says_how_to_go_on(settings: Settings) -> None:
    await write(settings, Task.topic, *(("a", b"%d" % number, {}) for number in range(3)))
    await write(settings, Task.topic, ("b", b"{}", {}))
    code, _, errors = await command(
        settings, "replay", "--from", "1h", "--max-lag", "1", "--timeout", "1", "--yes"
    )
    assert code == 1
    assert "normalize is 2 records behind, more than --max-lag 1" in errors
    assert "0 of 2 records were replayed" in errors
    assert "--from 20" in errors


async def test_a_replay_of_a_task_that_is_not_stored_exits_1_and_names_it(settings: Settings) -> None:
    code, _, errors = await command(settings, "replay", "--task", "nobody's", "--yes")
    assert (code, "nothing is stored of nobody's" in errors) == (1, True)


async def test_a_tasks_way_is_told_with_what_it_waits_for(settings: Settings) -> None:
    await deliver(
        settings, ("a", samples.song("a", 20)), ("broken", b'{"task_id":"broken","code":500,"msg":"no"}')
    )
    before = await told(settings, "a")
    assert before["state"] == "waiting"
    assert [wait["worker"] for wait in before["waiting"]] == ["deduplicate"]
    code, _, errors = await command(settings, "task", "unheard-of")
    assert (code, "nothing is known of 'unheard-of'" in errors) == (1, True)

    async with working(settings):
        await outcomes(settings, {"a": 1, "broken": 1})
        await read_until(settings, DEAD_LETTER, bool)
    after = await told(settings, "a")
    assert (after["state"], after["waiting"]) == ("complete", [])
    assert [event["topic"] for event in after["events"]] == [
        "callbacks",
        "tasks",
        "scores",
        "files",
        "outcomes",
    ]
    assert after["events"][2]["notes"] == 20

    failed = await told(settings, "broken")
    assert failed["state"] == "stopped"
    (letter,) = [event["letter"] for event in failed["events"] if event["topic"] == "dead-letter"]
    _, table, _ = await command(settings, "task", "broken")
    assert f"midi-ingest dlq show {letter}" in table
    assert (await command(settings, "dlq", "purge", letter, "--yes"))[0] == 0
    assert (await told(settings, "broken"))["state"] == "failed"


async def test_a_redriven_letter_is_told_as_such_and_its_task_waits_again(settings: Settings) -> None:
    headers = {
        h.ERROR_REASON: reasons.TOO_LARGE,
        h.ERROR_WORKER: "normalize",
        h.ERROR_TOPIC: "tasks",
        h.ERROR_PARTITION: "0",
        h.ERROR_OFFSET: "7",
        h.ERROR_ATTEMPTS: "1",
    }
    await write(settings, DEAD_LETTER, ("a", b"{}", headers))
    stopped = await told(settings, "a")
    (letter,) = stopped["events"]
    assert (stopped["state"], letter["status"]) == ("stopped", "open")

    assert (await command(settings, "dlq", "redrive", letter["letter"], "--yes"))[0] == 0
    redriven = await told(settings, "a")
    topics = {event["topic"]: event for event in redriven["events"]}
    assert topics.keys() == {"dead-letter", "dead-letter.status", "retry.normalize.now"}
    assert topics["dead-letter"]["status"] == topics["dead-letter.status"]["status"] == "redriven"
    assert [wait["worker"] for wait in redriven["waiting"]] == ["normalize"]


async def test_what_was_not_read_in_time_is_said_and_nothing_replayed(settings: Settings) -> None:
    await deliver(settings, ("a", samples.song("a", 1)))
    code, output, errors = await command(settings, "task", "a", "--timeout", "0.000001", "--output", "json")
    assert (code, json.loads(output)["complete"]) == (1, False)
    assert "this is not all" in errors
    await write(settings, Task.topic, ("a", b"{}", {}))
    code, _, errors = await command(settings, "replay", "--from", "1h", "--timeout", "0.000001", "--yes")
    assert (code, "Nothing was replayed" in errors) == (1, True)
    assert await read_all(settings, retry("normalize", NOW)) == []


def _replaced(settings: Settings, task_id: str, content: bytes) -> bytes:
    """Put something else in the place of a task's MIDI file; what was there."""
    song = Path(settings.store) / "tasks" / task_id / "song.mid"
    before = song.read_bytes()
    song.write_bytes(content)
    return before
