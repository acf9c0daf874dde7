"""What became of a record in the harness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.message import Topic


@dataclass(frozen=True, slots=True)
class Written:
    """A record that the worker wrote.

    Its ``message`` is a `Raw` where ``writes`` names no message of its topic, or the value is none.
    """

    topic: Topic
    key: str
    message: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that failed; ``retry_in`` is the delay after which it comes again, None if it is a dead letter.

    ``exception`` is the stack of what was raised, where that was no decision of the worker's. Neither it nor the
    ``value`` is shown where a test prints this.
    """

    reason: str
    message: str
    key: str
    value: bytes = field(repr=False)
    attempts: int
    retry_in: str | None
    exception: str = field(repr=False)
