"""A timer, over several sources: tells of each task that has no outcome after 10 minutes.

midi-ingest topics apply --worker examples/stuck_tasks.py:watch
midi-ingest worker examples/stuck_tasks.py:watch
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from midi_ingest import Context, Keyed, Message, Outcome, State, States, Task, worker

PATIENCE = timedelta(minutes=10)


class Stuck(Message, topic="stuck"):
    """A task without an outcome; ``since`` in Unix milliseconds."""

    task_id: str
    since: int


class Waiting(msgspec.Struct):
    """What is remembered of a task: since when it waits, None once there is nothing more to tell."""

    since: int | None


@worker("watch-tasks", reads=(Task, Outcome), writes=Stuck)
def watch(message: Task | Outcome, context: Context, state: State[Waiting]) -> None:
    """Remember when a task came, until it ends; its outcome may be read first."""
    if isinstance(message, Outcome):
        state.put(Waiting(None))
    elif state.get() is None:
        state.put(Waiting(context.timestamp_ms))


@watch.every("1m")
def tell(now: datetime, states: States[Waiting]) -> Iterator[Keyed]:
    """Tell once of each task that waits for too long."""
    for task_id, state in states:
        waiting = state.get()
        if waiting and waiting.since and waiting.since <= (now - PATIENCE).timestamp() * 1000:
            state.put(Waiting(None))
            yield Keyed(task_id, Stuck(task_id, waiting.since))
