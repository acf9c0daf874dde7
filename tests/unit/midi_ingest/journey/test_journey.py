"""How a task stands, and what it waits for."""

from __future__ import annotations

import pytest

from midi_ingest.journey.event import Event
from midi_ingest.journey.journey import Journey, State, waits
from tests.unit.midi_ingest.kafka_records import NOON_MS


def event(topic: str, offset: int = 0, **details: object) -> Event:
    return Event(topic, 3, offset, NOON_MS, "", details)


SUCCESS = event("callbacks", meaning="success")
COMPLETE = event("outcomes", status="complete")
FAILED = event("outcomes", status="failed")
LETTER = event("dead-letter", letter="3:1", status="open")
REDRIVEN = event("dead-letter", letter="3:1", status="redriven")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "unknown"),
        ([SUCCESS], "unknown"),
        ([event("callbacks", meaning="pending")], "pending"),
        ([SUCCESS, COMPLETE], "complete"),
        ([SUCCESS, FAILED, REDRIVEN, COMPLETE], "complete"),
        ([SUCCESS, FAILED, LETTER], "stopped"),
        ([SUCCESS, FAILED, REDRIVEN], "failed"),
        ([SUCCESS, COMPLETE, FAILED], "failed"),
        ([SUCCESS, LETTER], "stopped"),
    ],
)
def test_the_last_outcome_tells_how_a_task_stands_unless_a_letter_is_open(
    events: list[Event], state: State
) -> None:
    assert Journey(events, []).state == state


def test_a_record_beyond_what_its_worker_has_committed_waits() -> None:
    events = [event("callbacks", 4, meaning="success"), event("tasks", 7)]
    committed = {"deduplicate": {"callbacks": 5}, "normalize": {"tasks": 5}, "store": {"tasks": 8}}
    (wait,) = waits(events, committed)
    assert (wait.worker, wait.event.topic, wait.before) == ("normalize", "tasks", 2)
    assert Journey(events, [wait]).state == "waiting"
    (told,) = Journey(events, [wait]).sentences(NOON_MS)
    assert told == "normalize has yet to take offset 7 of tasks, about 2 records on."


def test_a_worker_that_has_read_nothing_yet_is_waited_for() -> None:
    assert [wait.worker for wait in waits([event("scores", 0)], {})] == ["render", "store"]


def test_a_retry_waits_until_it_is_due() -> None:
    (later,) = waits(
        [event("retry.my-worker.10m", 2, delay="10m")], {"my-worker": {"retry.my-worker.10m": 2}}
    )
    assert (later.worker, later.before, later.due_ms) == ("my-worker", 0, NOON_MS + 600_000)
    assert later.document()["due"] == "2025-11-25T12:10:00.000Z"
    (now,) = waits([event("retry.render.now", delay="now")], {})
    assert now.due_ms is None


def test_what_another_worker_has_yet_to_do_leaves_the_task_complete() -> None:
    retry = event("retry.my-worker.10m", 2, delay="10m")
    journey = Journey([SUCCESS, COMPLETE, retry], waits([retry], {}))
    assert journey.state == "complete"
    minutes = 60_000
    assert list(journey.sentences(NOON_MS + 9 * minutes)) == [
        "It is complete.",
        "my-worker has yet to take offset 2 of retry.my-worker.10m, about 2 records on. "
        "It is due at 2025-11-25T12:10:00Z.",
    ]
    *_, overdue = journey.sentences(NOON_MS + 12 * minutes)
    assert overdue.endswith("It was due at 2025-11-25T12:10:00Z: does my-worker run?")


def test_what_nobody_reads_is_not_waited_for() -> None:
    assert waits([COMPLETE, LETTER, event("files", 1)], {"store": {"files": 2}}) == []


def test_an_open_letter_is_named_with_what_tells_more() -> None:
    *_, last = Journey([SUCCESS, FAILED, LETTER], []).sentences(NOON_MS)
    assert "midi-ingest dlq show 3:1" in last
