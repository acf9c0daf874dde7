"""Callbacks as sunoapi.org sends them: a top-level task id, a code, and the song in ``data``.

The envelope is read without decoding the notes. Source: the sender's "MIDI Generation Callbacks" page; what
other senders mix in (``taskId``, a ``state`` while running) is read too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

import msgspec

NAME: Final = "sunoapi.org"

TASK_ID_MAX_CHARACTERS: Final = 200
FAILURE_STATES: Final = frozenset({"failed", "failure", "error"})
CODE_SUCCESS: Final = 200

_ABSENT: Final = msgspec.Raw(b"null")


class NotJson(ValueError):
    """The body is not JSON text in UTF-8."""


class NotACallback(ValueError):
    """The body is JSON, but no callback: ``field`` names what is wrong, the message what was expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Envelope(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    """A callback's outside; values that only a worker reads stay raw."""

    task_id: str | None = None
    task_id_camel: str | None = None
    code: int | msgspec.UnsetType = msgspec.UNSET
    success: msgspec.Raw = _ABSENT
    state: msgspec.Raw = _ABSENT
    msg: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT


class _Ids(msgspec.Struct, frozen=True, rename={"task_id_camel": "taskId"}):
    task_id: str | None = None
    task_id_camel: str | None = None


class _Song(msgspec.Struct, frozen=True):
    state: msgspec.Raw = _ABSENT
    instruments: msgspec.Raw = _ABSENT


_envelope_decoder = msgspec.json.Decoder(Envelope)
_ids_decoder = msgspec.json.Decoder(_Ids)
_song_decoder = msgspec.json.Decoder(_Song)


def read_envelope(body: bytes) -> tuple[str, Envelope]:
    """The task id and the envelope of a callback.

    Raises:
        NotJson: the body is not JSON text in UTF-8.
        NotACallback: it is, but not an object with a task id of 1–200 printable characters and an integer as
            its code, where it has one.
    """
    try:
        str(body, "utf-8")  # msgspec does not look at the bytes inside values that stay raw
        envelope = _envelope_decoder.decode(body)
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise NotJson("The body is nested too deeply.") from None
    except msgspec.ValidationError as error:
        raise _refusal(body, str(error)) from None
    except msgspec.DecodeError as error:
        raise NotJson(f"The body is not JSON: {error}.") from None
    return _task_id(envelope), envelope


def _refusal(body: bytes, problem: str) -> ValueError:
    """What is wrong with a body that is not of the envelope's shape, which stops at the first wrong field."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        return NotJson(f"The body is not JSON: {error}.")
    where = problem.rpartition("`$")[2].rstrip("`").lstrip(".") if "`$" in problem else ""
    return NotACallback(where or "body", f"{problem.partition(' - at ')[0]}.")


def _task_id(envelope: Envelope) -> str:
    ids = [i for i in (envelope.task_id, envelope.task_id_camel) if i is not None]
    if not ids and _is_object(envelope.data):
        try:
            data = _ids_decoder.decode(envelope.data)
        except msgspec.ValidationError as error:
            raise NotACallback("data", f"{str(error).partition(' - at ')[0]}.") from None
        ids = [i for i in (data.task_id, data.task_id_camel) if i is not None]
    if not ids:
        raise NotACallback("task_id", "Expected a task id: a string at `task_id`.")
    if len(set(ids)) > 1:
        raise NotACallback("task_id", "Expected one task id, but `task_id` and `taskId` differ.")
    if not (1 <= len(ids[0]) <= TASK_ID_MAX_CHARACTERS and ids[0].isprintable()):
        raise NotACallback("task_id", f"Expected 1 to {TASK_ID_MAX_CHARACTERS} printable characters.")
    return ids[0]


class Meaning(Enum):
    """What one callback says of its task."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a callback says: ``digest`` is the SHA-256 of the raw bytes of its ``data``, in hex."""

    meaning: Meaning
    digest: str
    message: str


def read_meaning(envelope: Envelope) -> Reading:
    """What a callback says of its task: success, failure, pending or invalid, the first that matches."""
    song = _song_decoder.decode(envelope.data) if _is_object(envelope.data) else _Song()
    state = _word(song.state)
    if state is None:
        state = _word(envelope.state)
    meaning, message = _meaning(envelope, state, song.instruments)
    return Reading(meaning, hashlib.sha256(envelope.data).hexdigest(), message)


def _meaning(envelope: Envelope, state: str | None, instruments: msgspec.Raw) -> tuple[Meaning, str]:
    completed = envelope.code == CODE_SUCCESS and state in {None, "complete"} and _is_object(envelope.data)
    if completed and _first_byte(instruments) in b"[n":
        return Meaning.SUCCESS, ""
    failed = envelope.code not in {CODE_SUCCESS, msgspec.UNSET} or bytes(envelope.success) == b"false"
    if failed or state in FAILURE_STATES:
        return Meaning.FAILURE, _word(envelope.msg, lower=False) or "The sender gave no message."
    if state not in {None, "", "complete"}:
        return Meaning.PENDING, ""
    return Meaning.INVALID, _what_is_invalid(envelope, state)


def _what_is_invalid(envelope: Envelope, state: str | None) -> str:
    if envelope.code is msgspec.UNSET:
        return "There is no `code`, and neither `success` nor `state` says that the task failed."
    if not _is_object(envelope.data):
        return "`code` is 200, but `data` is no object."
    if state == "":
        return "`state` is neither absent nor a word."
    return "`data.instruments` is neither an array nor null."


def _word(value: msgspec.Raw, *, lower: bool = True) -> str | None:
    """A raw value as text: None where it is null or absent, empty where it is no string."""
    match _first_byte(value):
        case b"n":
            return None
        case b'"':
            text = msgspec.json.decode(value, type=str)
            return text.lower() if lower else text
        case _:
            return ""


def _is_object(value: msgspec.Raw) -> bool:
    return _first_byte(value) == b"{"


def _first_byte(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:1])
