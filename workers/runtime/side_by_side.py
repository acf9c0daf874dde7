"""Calls side by side, or one with the process to itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class SideBySide:
    """Lets the lanes of a process call their functions at the same time, but a suspect one alone.

    What may kill the process must not be blamed for what another lane does meanwhile, nor that lane for it.
    """

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextlib.asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Beside all others, but not beside one that is alone."""
        async with self._door:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Once all others are done, and before any other begins."""
        async with self._door:
            await self._empty.wait()
            yield
