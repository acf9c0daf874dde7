"""How a task ended: what applications subscribe to."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.message import Message, Topic
from schemas.score import Warning  # noqa: A004 - the contract's word


class Outcome(Message, topic=Topic("outcomes", cleanup="compact,delete"), kind="midi.outcome", kw_only=True):
    """A task's end.

    ``file`` says where the MIDI file lies when the status is ``complete``, ``reason`` and ``message`` say why
    when it is ``failed``. ``correlation`` has those query parameters of the callback's URL that
    MIDI_INGEST_CORRELATION_PARAMETERS lists. The last outcome of a key counts: ``complete`` may follow ``failed``.
    Reserved, and not written yet: ``never-arrived``.
    """

    task_id: str
    schema: int = 1
    status: Literal["complete", "failed", "never-arrived"]
    message: str
    reason: str | None = None
    file: str | None = None
    warnings: list[Warning] = msgspec.field(default_factory=list)
    correlation: dict[str, str] = msgspec.field(default_factory=dict)
