"""The end of a process that uses obstore.

Its threads hold objects of Python's until shortly after a PUT has ended. One that lets go of them while Python ends
aborts the process (PyO3's pyo3-async-runtimes, issue 40). So Python ends only once they have.
"""

from __future__ import annotations

import asyncio
import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

CANCEL_SECONDS: Final = 1.0
"""How long PUTs that are still under way may take to be given up."""

LET_GO_SECONDS: Final = 0.05
"""How long obstore's threads take at most to let go, also on a busy machine: 0.01 s were always enough."""

_under_way: Final[set[asyncio.Task[Any]]] = set()


@contextmanager
def under_way() -> Iterator[None]:
    """The task in work waits for obstore."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - only a coroutine waits
    _under_way.add(task)
    try:
        yield
    finally:
        _under_way.discard(task)


@atexit.register
def _end() -> None:
    for task in list(_under_way):
        task.get_loop().call_soon_threadsafe(task.cancel)
    until = time.monotonic() + CANCEL_SECONDS
    while _under_way and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(LET_GO_SECONDS)
