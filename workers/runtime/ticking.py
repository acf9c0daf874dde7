"""Calls a worker's timers. No record is in work then, so what a timer writes has a key of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from schemas import headers as h
from schemas.dialects import AUTO
from workers.runtime.api import Keyed, Output, Raw, State, Timer, Worker
from workers.runtime.calling import listed
from workers.runtime.expectations import kind_of
from workers.runtime.record import Write
from workers.runtime.state import LaneState, StoreError
from workers.runtime.writing import Writing
from workers.settings import WorkerSettings

ORIGIN: Final = "timer"
"""The header ``midi-origin`` of what no callback led to."""


@dataclass(slots=True)
class Tick:
    """What a timer led to; with an error, nothing."""

    writes: list[Write] = field(default_factory=list)
    error: Exception | None = None


class Remembered:
    """All that a lane remembers, as a timer's function sees it: what it puts is kept once it has returned."""

    def __init__(self, lane: LaneState, timestamp_ms: int) -> None:
        self._lane, self._timestamp_ms = lane, timestamp_ms
        self._put: dict[str, msgspec.Struct] = {}

    def __iter__(self) -> Iterator[tuple[str, State[msgspec.Struct]]]:
        """Each key that is remembered, with its state."""
        return ((key, Entry(self, key)) for key, _ in self._lane.items(self._timestamp_ms))

    def get(self, key: str) -> msgspec.Struct | None:
        """What is remembered of a key."""
        return self._put[key] if key in self._put else self._lane.get(key, self._timestamp_ms)

    def put(self, key: str, value: msgspec.Struct) -> None:
        """Remember this of a key once the function has returned."""
        self._put[key] = value

    def keep(self) -> None:
        """The function has returned: what it put is laid over the lane's state."""
        states = [self._lane.of(key, self._timestamp_ms) for key in self._put]
        for state, value in zip(states, self._put.values(), strict=True):
            state.put(value)
        for state in states:  # not before all of them could be encoded
            state.keep()


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of one key."""

    remembered: Remembered
    key: str

    def get(self) -> msgspec.Struct | None:
        """What was put last within the window, if anything."""
        return self.remembered.get(self.key)

    def put(self, value: msgspec.Struct) -> None:
        """Remember this from now on."""
        self.remembered.put(self.key, value)


async def moments(timer: Timer) -> AsyncIterator[datetime]:
    """Each moment of a timer, once it has come; those that pass while the one before is in work are left out."""
    last = time.time()
    while True:
        last = timer.next_after(max(last, time.time()))
        await asyncio.sleep(last - time.time())
        yield datetime.fromtimestamp(last, UTC)


class Ticking:
    """Calls the timers of one worker in one lane."""

    def __init__(self, worker: Worker, settings: WorkerSettings) -> None:
        self._worker, self._writing = worker, Writing(worker, settings)

    def tick(self, timer: Timer, now: datetime, partition: int, state: LaneState | None) -> Tick:
        """Call a timer for one of its moments."""
        remembered = Remembered(state, int(now.timestamp() * 1000)) if state is not None else None
        headers = {
            h.CE_ID: f"{self._worker.name}/{partition}/{timer.name}/{int(now.timestamp())}",
            h.CE_SOURCE: h.SOURCE,
            h.CE_TIME: h.timestamp(now),
            h.CE_SPECVERSION: h.SPECVERSION,
            h.DIALECT: AUTO,
            h.ORIGIN: ORIGIN,
        }
        try:
            returned = timer.function(now, remembered) if timer.takes_states else timer.function(now)
            writes = [self._write(timer, output, headers) for output in listed(returned)]
            if remembered:
                remembered.keep()
        except StoreError:  # not the timer's fault: the lane has to open anew
            raise
        except Exception as error:  # noqa: BLE001 - whatever a timer raises costs only this moment of it
            return Tick(error=error)
        return Tick([*writes, *self._writing.changes(state)])

    def _write(self, timer: Timer, output: Output, headers: dict[str, str]) -> Write:
        match output:
            case Keyed(key, message):
                return self._writing.keyed(key, message, headers)
            case Raw():
                return self._writing.raw(output)
            case _:
                raise TypeError(
                    f"the timer {timer.name} returned {kind_of(output)}: there is no record that it could "
                    "be about, so return Keyed(key, message)"
                )
