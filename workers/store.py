"""Keeps what outlives Kafka: each task's callback, score and song as files; then says that it is complete."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import msgspec

from schemas import headers as h
from schemas.callback import Task
from schemas.file import MidiFile
from schemas.message import Message
from schemas.outcome import Outcome
from schemas.score import Score, Warning  # noqa: A004 - the contract's word
from workers.files.files import files_of
from workers.runtime.api import Context, Dropped, Output, State, worker


class ScoreWarnings(Message, topic=Score.topic, kind=Score.kind, kw_only=True):
    """A score of which only the warnings are read: its thousands of notes stay undecoded."""

    warnings: list[Warning]


FILES: Final[dict[type, str]] = {Task: "callback.json", ScoreWarnings: "score.json", MidiFile: "song.mid"}

AT_ONCE: Final = 16
"""How many files a lane writes at once: each waits for a disk or an object store, which takes many at once."""

_LONGEST_NAME_BYTES: Final = 150


class Stored(msgspec.Struct, frozen=True):
    """What is stored of a task: which result, by its receipt's time and id, and which of its files."""

    received: tuple[str, str]
    files: frozenset[str] = frozenset()
    warnings: tuple[Warning, ...] = ()


@worker(
    "store",
    reads=(Task, ScoreWarnings, MidiFile),
    writes=Outcome,
    unhurried=(Task, ScoreWarnings),
    concurrency=AT_ONCE,
)
async def store(
    message: Task | ScoreWarnings | MidiFile, context: Context, state: State[Stored]
) -> Output | None:
    """Write one of a task's files, and its outcome once all are there."""
    before, received = state.get(), receipt(context)
    if before and received < before.received:
        return Dropped("older-result")
    files = files_of(context.settings)
    folder, name = f"tasks/{folder_name(context.key)}", FILES[type(message)]
    await files.write(f"{folder}/{name}", context.value, message.content_type)
    warnings = tuple(message.warnings) if isinstance(message, ScoreWarnings) else None
    after, complete = settle(before, received, name, warnings)
    state.put(after)
    if not complete:
        return None
    return Outcome(
        task_id=context.key,
        status="complete",
        message="All files are stored.",
        file=files.where(f"{folder}/{FILES[MidiFile]}"),
        warnings=list(after.warnings),
        correlation=h.correlation(context.headers),
    )


def receipt(context: Context) -> tuple[str, str]:
    """The time and id of a result's receipt, which compare as results do: later, then by id, is newer.

    Of a foreign record whose time cannot be read, when it was written counts.
    """
    received = h.moment(context.headers[h.CE_TIME]) or datetime.fromtimestamp(
        context.timestamp_ms / 1000, UTC
    )
    return h.timestamp(received), context.headers[h.CE_ID]


def settle(
    before: Stored | None, received: tuple[str, str], name: str, warnings: tuple[Warning, ...] | None
) -> tuple[Stored, bool]:
    """What is stored after a file of the result ``received`` was written, and whether that is worth an outcome.

    It is when the file was the last one missing, and whenever a song is written anew, as by a replay.
    """
    if before is None or before.received != received:
        before = Stored(received)
    files = before.files | {name}
    after = Stored(received, files, before.warnings if warnings is None else warnings)
    everything = files == frozenset(FILES.values())
    return after, everything and (files != before.files or name == FILES[MidiFile])


def folder_name(task_id: str) -> str:
    """A task's folder: its id percent-encoded but for RFC 3986's unreserved characters; a long one is cut.

    A leading dot is encoded too, so that no folder is hidden, nor `.` or `..`.
    """
    name = quote(task_id, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) <= _LONGEST_NAME_BYTES:
        return name
    return f"{name[:100]}~{hashlib.sha256(task_id.encode()).hexdigest()[:32]}"
