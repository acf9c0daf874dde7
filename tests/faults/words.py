"""Workers for the fault tests: they count each key's words; some words kill who reads them. They import no tests."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import time
from pathlib import Path

import msgspec

from midi_ingest import Body, Message, State, worker


class Word(Body, topic="test.words"):
    """What the workers read."""


class Counted(Message, topic="test.counted", kw_only=True):
    """What they write: a word, and its place among those of its key."""

    word: str
    times: int


class Times(msgspec.Struct, frozen=True):
    """What they remember of a key."""

    times: int


def suffer(word: bytes) -> None:
    """What a word does to the process, by how it begins."""
    match word.partition(b"-")[0]:
        case b"segfault":
            ctypes.string_at(0)
        case b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"spin":
            while True:
                pass
        case b"backtrack":  # in C, and without letting any other thread run
            re.match(r"(a+)+$", "a" * 64 + "!")
        case b"broken":
            if Path(os.environ["TEST_BROKEN_WHILE_EXISTS"]).exists():
                raise RuntimeError("broken")
        case b"work":
            end = time.monotonic() + float(word.partition(b"-")[2])
            while time.monotonic() < end:
                pass


def counted(word: Word, state: State[Times]) -> Counted:
    """Count a word."""
    suffer(word.body)
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(Times(times))
    return Counted(word=word.body.decode(), times=times)


@worker("count", reads=Word, writes=Counted)
def count(word: Word, state: State[Times]) -> Counted:
    """Exactly once."""
    return counted(word, state)


@worker("count-again", reads=Word, writes=Counted, guarantee="at-least-once")
def count_again(word: Word, state: State[Times]) -> Counted:
    """At least once."""
    return counted(word, state)
