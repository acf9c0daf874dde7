"""Keys and values as deduplicate has them: task ids of 32 hex digits, and what it remembers of a completed task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from workers.deduplicate import TaskState
from workers.runtime.state.store import Change


def key(number: int) -> str:
    """The task id with this number."""
    return hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()


def value(number: int) -> bytes:
    """What is remembered of it."""
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    return msgspec.json.encode(TaskState("complete", digest, "sunoapi.org", "callback"))


def changes(numbers: Iterable[int], start_ms: int = 0) -> list[Change]:
    """Their changes, a millisecond apart."""
    return [Change(key(number), value(number), start_ms + number) for number in numbers]
