"""What a lane is doing, and whether it gets on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

READY: Final = "ready"
OPENING: Final = "opening"
RESTORING: Final = "restoring"
WAITING: Final = "waiting"
PAUSED: Final = "paused"
FENCED: Final = "fenced"

STATES: Final = (READY, OPENING, RESTORING, WAITING, PAUSED, FENCED)
"""What a lane may be doing."""


class Progress:
    """Of one lane: its ``state``, more of it in words, and for how long it has been stuck.

    A lane is stuck while it has something to do and takes no step. One that waits for Kafka, for what its function
    needs or for a flood of failures to pass tries again and again, and each try is a step.
    """

    def __init__(self) -> None:
        self.state = OPENING
        self.stuck_seconds = 0.0
        self._detail = ""
        self._restored = -1
        self._steps = self._seen = 0
        self._at_gate = False

    def __str__(self) -> str:
        return f"{self.state} {self._detail}".rstrip()

    def becomes(self, state: str, detail: str = "") -> None:
        """The lane does something else now, or another time: a step."""
        self.state, self._detail = state, detail
        self._at_gate = False
        self.step()

    def restores(self, done: int, total: int) -> None:
        """The lane restores its state, and is so far: a step where it is another place than before."""
        if (self.state, done) != (RESTORING, self._restored):
            self._restored = done
            self.becomes(RESTORING, f"{100 * done // total} %")

    def step(self) -> None:
        """The lane gets on."""
        self._steps += 1

    @asynccontextmanager
    async def admitted(self, gate: asyncio.Semaphore) -> AsyncIterator[None]:
        """Pass a gate that all lanes of a process share: who waits there is not stuck, who is through may be."""
        self._at_gate = True
        async with gate:
            self._at_gate = False
            yield

    def passed(self, seconds: float, *, busy: bool) -> None:
        """So much time has passed since the last look; ``busy`` means that something can be done now."""
        stuck = busy and not self._at_gate and self._steps == self._seen
        self.stuck_seconds = self.stuck_seconds + seconds if stuck else 0.0
        self._seen = self._steps
