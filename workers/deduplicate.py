"""Passes on each task's first success and drops its repeats; turns failures into dead letters.

Reads `midi.callbacks`; remembers each task in its changelog for the dedup window.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas import headers as h
from schemas import reasons
from schemas.callback import Callback, Task
from schemas.dead_letter import DeadLetterStatus, letter_key
from schemas.dialects import Meaning, NotACallback, NotJson, Reading, read_callback
from schemas.outcome import Outcome
from workers.runtime.api import Context, Dropped, Failure, Keyed, Output, Reject, State, worker

NAME = "deduplicate"


class TaskState(msgspec.Struct, frozen=True):
    """What is remembered of a task.

    ``digest``, ``dialect`` and ``origin`` are those of the callback that completed it; ``letter`` is the key of
    the dead letter of the callback that said it failed.
    """

    status: Literal["complete", "failed"]
    digest: str = ""
    dialect: str = ""
    origin: str = ""
    letter: str = ""


@worker(NAME, reads=Callback, writes=(Task, Outcome, DeadLetterStatus))
def deduplicate(callback: Callback, context: Context, state: State[TaskState]) -> list[Output]:
    """Decide what a callback is to its task, and remember it."""
    dialect = context.headers[h.DIALECT]
    try:
        reading = read_callback(callback.body, dialect)
    except (NotJson, NotACallback) as error:
        reading = Reading(context.key, dialect, Meaning.INVALID, "", str(error))
    if reading.task_id != context.key:
        raise Reject(
            reasons.KEY_MISMATCH, f"The record's key {context.key!r} is not its task id {reading.task_id!r}."
        )
    outputs, after = decide(reading, state.get(), context, callback.body)
    if after:
        state.put(after)
    return outputs


def decide(
    reading: Reading, before: TaskState | None, context: Context, body: bytes
) -> tuple[list[Output], TaskState | None]:
    """What to write for a callback, and the task's new state where it changes.

    A success that an operator sends here again always wins.
    """
    complete = before is not None and before.status == "complete"
    match reading.meaning:
        case Meaning.SUCCESS if before is None or not complete or context.redriven:
            return _completed(reading, before, context, body)
        case Meaning.FAILURE if before is None:
            return _failed(reading, context)
        case Meaning.PENDING:
            return [Dropped("pending")], None
        case Meaning.INVALID if not complete:
            return [Failure(reasons.INVALID_PAYLOAD, reading.message)], None
        case Meaning.SUCCESS if before and _conflicts(reading, before, context):
            message = "The task was completed by another result, which stands."
            return [Failure(reasons.CONFLICTING_DUPLICATE, message)], None
        case _:
            return [Dropped("repeat")], None


def _completed(
    reading: Reading, before: TaskState | None, context: Context, body: bytes
) -> tuple[list[Output], TaskState]:
    outputs: list[Output] = [Task(body)]
    if before and before.letter:
        at = context.headers[h.CE_TIME]
        outputs.append(Keyed(before.letter, DeadLetterStatus(status="resolved", at=at, by=NAME)))
    return outputs, TaskState("complete", reading.digest, reading.dialect, context.headers[h.ORIGIN])


def _failed(reading: Reading, context: Context) -> tuple[list[Output], TaskState]:
    outcome = Outcome(
        task_id=context.key,
        status="failed",
        reason=reasons.PROVIDER_FAILED,
        message=reading.message,
        correlation=h.correlation(context.headers),
    )
    letter = letter_key(NAME, context.topic, context.partition, context.offset)
    return [Failure(reasons.PROVIDER_FAILED, reading.message), outcome], TaskState("failed", letter=letter)


def _conflicts(reading: Reading, before: TaskState, context: Context) -> bool:
    """Whether the same sender, in the same way, sent another result."""
    same_way = (before.dialect, before.origin) == (reading.dialect, context.headers[h.ORIGIN])
    return same_way and before.digest != reading.digest
