"""The two messages that hold a sender's body byte for byte: a callback, and the task it completed."""

from __future__ import annotations

from typing import ClassVar

from schemas.message import Body, Topic


class Callback(Body, frozen=True):
    """One callback as it was received."""

    topic: ClassVar = Topic("callbacks")
    kind: ClassVar = "midi.callback"


class Task(Body, frozen=True):
    """The body of a task's first success."""

    topic: ClassVar = Topic("tasks")
    kind: ClassVar = "midi.task"
