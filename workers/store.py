"""Keeps what outlives Kafka: each task's callback, score and song as files; then says that it is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from schemas import headers as h
from schemas.callback import Task
from schemas.file import MidiFile
from schemas.message import Message
from schemas.outcome import Outcome
from schemas.score import Score, Warning  # noqa: A004 - the contract's word
from workers.runtime.api import Context, Dropped, Output, State, Unavailable, worker


class ScoreWarnings(Message, topic=Score.topic, kind=Score.kind, kw_only=True):
    """A score of which only the warnings are read: its thousands of notes stay undecoded."""

    warnings: list[Warning]


FILES: Final[dict[type, str]] = {Task: "callback.json", ScoreWarnings: "score.json", MidiFile: "song.mid"}

_LONGEST_NAME_BYTES: Final = 150
_THIS_PATH_ONLY: Final = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


class Stored(msgspec.Struct, frozen=True):
    """What is stored of a task: which result, by its receipt's time and id, and which of its files."""

    received: tuple[str, str]
    files: frozenset[str] = frozenset()
    warnings: tuple[Warning, ...] = ()


@worker("store", reads=(Task, ScoreWarnings, MidiFile), writes=Outcome, unhurried=(Task, ScoreWarnings))
def store(message: Task | ScoreWarnings | MidiFile, context: Context, state: State[Stored]) -> Output | None:
    """Write one of a task's files, and its outcome once all are there."""
    before, received = state.get(), receipt(context)
    if before and received < before.received:
        return Dropped("older-result")
    folder = context.settings.store_path / "tasks" / folder_name(context.key)
    name = FILES[type(message)]
    write_whole(folder / name, context.value)
    warnings = tuple(message.warnings) if isinstance(message, ScoreWarnings) else None
    after, complete = settle(before, received, name, warnings)
    state.put(after)
    if not complete:
        return None
    return Outcome(
        task_id=context.key,
        status="complete",
        message="All files are stored.",
        file=str(folder.absolute() / FILES[MidiFile]),
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


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, also over a power cut.

    What another try left unfinished is removed. Should that one be still at it, as a zombie may be, its own
    replacing fails, and it has to start again or learns that it is no longer wanted.

    Raises:
        Unavailable: the file system refuses; what it says is in the message.
        OSError: something else stands where this very file should be: that holds up no other task.
    """
    all_tasks = path.parent.parent
    try:
        all_tasks.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        _replace(path, content)
        for left in path.parent.glob(f".{path.name}.*.partial"):
            left.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _THIS_PATH_ONLY and all_tasks.is_dir():
            raise
        raise Unavailable(f"Cannot write {path}: {error.strerror}.") from error


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
