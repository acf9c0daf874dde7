"""The two messages that hold a sender's body byte for byte: a callback, and the task it completed."""

from __future__ import annotations

from schemas.message import Body


class Callback(Body, topic="callbacks", kind="midi.callback"):
    """One callback as it was received."""


class Task(Body, topic="tasks", kind="midi.task"):
    """The body of a task's first success."""
