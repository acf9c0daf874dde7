"""Callbacks to post: no two have the same task id, and none is like those that are under way beside it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from midi_ingest.samples import song

DISTINCT: Final = 64
"""Songs that take turns: more than are ever posted at once, so that compression meets nothing it has just seen."""

_PLACEHOLDER: Final = "0" * 32


class Song(NamedTuple):
    """A callback and its task id."""

    task_id: str
    body: bytes


class Songs:
    """Callbacks with about ``notes`` notes without end: ready-made songs, each time under a new task id."""

    def __init__(self, notes: int) -> None:
        bodies = (song(_PLACEHOLDER, notes, seed) for seed in range(DISTINCT))
        self._parts = [body.split(_PLACEHOLDER.encode()) for body in bodies]
        self._next = 0
        self.body_bytes = sum(sum(map(len, parts)) + len(_PLACEHOLDER) for parts in self._parts) // DISTINCT

    def __iter__(self) -> Iterator[Song]:
        return self

    def __next__(self) -> Song:
        parts = self._parts[self._next % DISTINCT]
        self._next += 1
        task_id = f"{random.getrandbits(128):032x}"
        return Song(task_id, task_id.encode().join(parts))
