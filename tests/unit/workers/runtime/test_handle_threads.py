"""Lanes call their handler in threads, several at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import msgspec

from schemas.message import Message, Topic
from tests.unit.workers.records import record
from workers.runtime.api import worker
from workers.runtime.handle import Handler
from workers.settings import WorkerSettings

THREADS = 4


class Part(msgspec.Struct, frozen=True):
    """Something inside of a message."""

    numbers: list[int]


def test_first_records_that_are_decoded_at_once_do_not_crash_the_process() -> None:
    """Msgspec 0.22 crashes where two threads build decoders of one type; so they are built before."""
    for round_number in range(50):

        class Fresh(Message, frozen=True, kw_only=True):
            """A message type that nobody has decoded yet."""

            topic: ClassVar = Topic(f"fresh-{round_number}")
            kind: ClassVar = "test.fresh"

            parts: list[Part]

        @worker("reader", reads=Fresh)
        def reader(_message: Message) -> None: ...

        handler, together = Handler(reader, WorkerSettings(), "test"), threading.Barrier(THREADS)
        first = record(b'{"parts":[{"numbers":[1,2]}]}', topic=f"midi.fresh-{round_number}")

        def handle(handler: Handler = handler, together: threading.Barrier = together) -> int:
            together.wait()
            return handler.handle([first], None).handled  # noqa: B023 - called within this round

        with ThreadPoolExecutor(THREADS) as pool:
            assert [task.result() for task in [pool.submit(handle) for _ in range(THREADS)]] == [1] * THREADS
