"""The event loop of the workers' async functions: one for the whole process, in a thread of its own.

Not the process' own loop, which keeps the members in their groups: what blocks here, such as a slow parser in an async
function, holds up async functions only. Not one a lane either: a connection pool that a function opens serves all.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
_starting: Final = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end there; this thread waits for it."""
    return asyncio.run_coroutine_threadsafe(coroutine, _started()).result()


def _started() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603 - there is one, and only once it is needed
    with _starting:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="async-workers", daemon=True).start()
        return _loop
