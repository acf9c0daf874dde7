"""What a callback says of its task: success, failure, pending or invalid, the first that matches.

    success   the dialect's own sign of it; `state` absent or complete; a song whose `instruments` are an array,
              null or absent
    failure   a code that is not 200; `success` false; or a state that says so
    pending   another word as state
    invalid   all else

The state is the song's, else the one beside `data`, in lower case.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

from schemas.dialects.decoding import require_utf8
from schemas.dialects.dialect import Dialect, Verdict
from schemas.dialects.fields import Fields, Song, is_given, read_fields, starts_with, word
from schemas.dialects.registry import AUTO, by_name, choose

_COMPLETE: Final = "complete"
_FAILED: Final = frozenset({"failed", "failure", "error"})
_SUCCESS_CODES: Final = frozenset({None, 200})


class Meaning(Enum):
    """What one callback says of its task."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a callback says.

    ``dialect`` is the name of the one that it was read in; ``digest`` is the SHA-256 of the raw bytes of its
    ``data``, in hex; ``message`` says why, for a failure in the sender's words.
    """

    task_id: str
    dialect: str
    meaning: Meaning
    digest: str
    message: str


def read_callback(body: bytes, named: str = AUTO) -> Reading:
    """What a callback says, and of which task.

    Args:
        body: the bytes as they were received.
        named: the header ``midi-dialect``; where it names no dialect, the shape tells.

    Raises:
        NotJson: the body is not JSON in UTF-8.
        NotACallback: it is, but not an object with one task id of 1–200 printable characters and an integer as
            its code, where it has one.
    """
    require_utf8(body)
    fields = read_fields(body)
    dialect = by_name(named) or choose(named, fields.shape)
    meaning, message = _meaning(fields, dialect)
    digest = hashlib.sha256(fields.top.data).hexdigest()
    return Reading(fields.task_id, dialect.name, meaning, digest, message)


def _meaning(fields: Fields, dialect: Dialect) -> tuple[Meaning, str]:
    song = fields.song if fields.place == "data" or dialect.data_may_be_array else None
    verdict, state = fields.verdict, _state(fields, song)
    problem = _missing(fields, verdict, song, state, dialect)
    if not problem:
        return Meaning.SUCCESS, ""
    if verdict.code not in _SUCCESS_CODES or verdict.success is False or state in _FAILED:
        return Meaning.FAILURE, fields.reason or "The sender gave no message."
    if state not in {None, "", _COMPLETE}:
        return Meaning.PENDING, ""
    return Meaning.INVALID, problem


def _state(fields: Fields, song: Song | None) -> str | None:
    """The state in lower case: None where there is none, empty where it is no string."""
    state = word(song.state) if song else None
    state = word(fields.top.state) if state is None else state
    return state.lower() if state else state


def _missing(fields: Fields, verdict: Verdict, song: Song | None, state: str | None, dialect: Dialect) -> str:
    """What keeps a callback from being a success; empty where nothing does."""
    if not dialect.succeeds(verdict):
        return f"There is no {dialect.success}, and neither `success` nor `state` says that the task failed."
    if song is None:
        return f"There is {dialect.success}, but `data` is not {dialect.expected_data}."
    if state not in {None, _COMPLETE}:
        return "`state` is neither absent nor a word."
    if is_given(song.instruments) and not starts_with(song.instruments, b"["):
        return f"`{fields.place}.instruments` is neither an array nor null."
    return ""
