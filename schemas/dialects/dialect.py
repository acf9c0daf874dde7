"""What makes a dialect: how it is told from others, and where it says what all of them say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Shape(NamedTuple):
    """What of a callback tells its dialect."""

    id_at_top: bool
    """A task id stands beside ``data``, not in it."""
    has_code: bool
    has_success: bool
    data_is_array: bool


class Verdict(NamedTuple):
    """What a callback says of itself: its ``code`` and ``success``, None where it has none."""

    code: int | None
    success: bool | None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one sender writes callbacks. What is not told here is the same for all."""

    name: str
    """What ``MIDI_INGEST_VENDOR`` and the header ``midi-dialect`` call it."""
    recognises: Callable[[Shape], bool]
    succeeds: Callable[[Verdict], bool]
    success: str
    """What ``succeeds`` looks for, in words."""
    data_may_be_array: bool = False
    """Whether ``data`` may be an array with the song as its one element."""

    def song(self, data: object) -> object:
        """What holds ``state`` and ``instruments``, if it is an object, in ``data`` as decoded."""
        if self.data_may_be_array and isinstance(data, list) and len(data) == 1:
            return data[0]
        return data

    @property
    def expected_data(self) -> str:
        """What ``data`` is in a success, in words."""
        return "an object or an array of one object" if self.data_may_be_array else "an object"


def code_is_200(verdict: Verdict) -> bool:
    """Success as most senders say it."""
    return verdict.code == 200
