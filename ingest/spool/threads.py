"""Threads for work on a disk, which may hang.

Python waits at its end for the threads of its executors, and so would wait for a disk that never answers. These
hold up no process that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """A thread that does one job after the other, until `end`."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        Thread(target=self._run, name=name, daemon=True).start()

    def do(self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Do a job after those before it; one that is cancelled may be done all the same."""
        end: Future[T] = Future()
        self._jobs.put(lambda: _do(job, end))
        return asyncio.wrap_future(end)

    def end(self) -> None:
        """Let the thread end once its jobs are done."""
        self._jobs.put(None)

    def _run(self) -> None:
        for job in iter(self._jobs.get, None):
            job()


def do_aside(job: Callable[[], T]) -> asyncio.Future[T]:
    """Do a job in a thread of its own."""
    worker = Worker("spool")
    end = worker.do(job)
    worker.end()
    return end


def _do(job: Callable[[], T], end: Future[T]) -> None:
    if not end.set_running_or_notify_cancel():
        return
    try:
        end.set_result(job())
    except BaseException as error:  # noqa: BLE001 - whoever waits for the job is told
        end.set_exception(error)
