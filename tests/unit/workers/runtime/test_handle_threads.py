"""Lanes call their handler in threads, several at once."""

from __future__ import annotations

from typing import ClassVar

from schemas.message import Message, Topic, _decoder
from tests.unit.workers.records import record
from workers.runtime.api import worker
from workers.runtime.handle import Handler
from workers.settings import WorkerSettings


class Fresh(Message, frozen=True, kw_only=True):
    """A message type that nobody else decodes."""

    topic: ClassVar = Topic("fresh")
    kind: ClassVar = "test.fresh"

    numbers: list[int]


class Result(Message, topic="results"):
    """A message type that nobody else writes."""

    numbers: list[int]


@worker("reader", reads=Fresh, writes=Result)
def reader(message: Fresh) -> Result:
    """Read, and write, which reads too."""
    return Result(message.numbers)


def test_decoders_are_built_before_threads_decode() -> None:
    """Msgspec 0.22 crashes the process where two threads build decoders of one type at the same time."""
    handler = Handler(reader, WorkerSettings(), "test")
    built = _decoder.cache_info().misses
    assert handler.handle([record(b'{"numbers":[1,2]}', topic="midi.fresh")], None).handled == 1
    assert _decoder.cache_info().misses == built
