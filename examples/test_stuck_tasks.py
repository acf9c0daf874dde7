"""Tasks that get stuck."""

from stuck_tasks import Stuck, watch

from midi_ingest import Outcome, Task
from midi_ingest.testing import Harness

COMPLETE = Outcome(task_id="a", status="complete", message="All files are stored.")


def test_a_task_without_an_outcome_is_told_of_once() -> None:
    harness = Harness(watch)
    since = int(harness.now.timestamp() * 1000)
    harness.send(Task(b"{}"), key="a")
    assert harness.advance(minutes=9) == []
    assert harness.advance(minutes=1) == [Stuck("a", since)]
    assert harness.advance(hours=1) == []


def test_a_task_that_ended_is_not_told_of_in_whatever_order_that_is_read() -> None:
    harness = Harness(watch)
    harness.send(Task(b"{}"), key="a")
    harness.send(COMPLETE, key="a")
    harness.send(COMPLETE, key="b")
    harness.send(Task(b"{}"), key="b")
    assert harness.advance(hours=1) == []
