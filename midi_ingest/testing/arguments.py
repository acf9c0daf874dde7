"""What a test may give the harness; a mistake is told at once, by what was expected instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from schemas.message import Message, Topic
from workers.runtime.api import Worker, topic_of
from workers.settings import WorkerSettings

KEY: Final = "task-1"
"""The key of a record whose message has no task id."""


def refuse_what_is_no_worker(worker: object) -> None:
    """Make sure that this is a worker.

    Raises:
        TypeError: it is something else, such as a function without its decorator.
    """
    if not isinstance(worker, Worker):
        name = getattr(worker, "__name__", repr(worker))
        raise TypeError(
            f"Harness takes a worker, and {name} is none: a function under @worker(name, reads=…, writes=…)"
        )


def settings_of(named: Mapping[str, Any]) -> WorkerSettings:
    """The settings with those that a test names.

    Raises:
        TypeError: there is none of a name.
        pydantic.ValidationError: a value is wrong.
    """
    for name in named:
        if name not in WorkerSettings.model_fields:
            near = difflib.get_close_matches(name, WorkerSettings.model_fields, n=1)
            hint = f"Did you mean {near[0]}?" if near else "See workers/settings.py for those that exist."
            raise TypeError(f"{name} is not a setting of a worker. {hint}")
    return WorkerSettings(**named)


def source_of(worker: Worker, message: Message | bytes | None, topic: Topic | None) -> Topic:
    """The topic by which a record comes: the one given, its message's own, or the first that the worker reads.

    Raises:
        TypeError: it is no message, or the worker does not read it.
    """
    if not isinstance(message, (Message, bytes, type(None))):
        raise TypeError(f"{_told(worker)}: give it that, or bytes, not {type(message).__name__}")
    source = topic or (message.topic if isinstance(message, Message) else topic_of(worker.reads[0]))
    if source.name not in {read.name for read in worker.sources}:
        what = f"the topic {topic.name}" if topic else type(message).__name__
        raise TypeError(f"{_told(worker)}, not {what}")
    return source


def task_id_of(message: object) -> str | None:
    """The task id that a message names itself, which is its record's key in production."""
    named = getattr(message, "task_id", None)
    return named if isinstance(named, str) and named else None


def _told(worker: Worker) -> str:
    names = [f"the topic {s.name} as bytes" if isinstance(s, Topic) else s.__name__ for s in worker.reads]
    return f"{worker.name} reads {' or '.join(names)}"
