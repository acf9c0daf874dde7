"""Callbacks to try things with: the sender's own sample, songs of any length, and bodies that are none."""

from __future__ import annotations

import random
from importlib.resources import files
from typing import Final

import orjson

_NAMES: Final = ("Drums", "Electric Bass (finger)", "Acoustic Grand Piano", "Violin", "String Ensembles 1")
_GRID: Final = 192
"""Senders place every time on a grid of 1/192 s."""

MALFORMED: Final = (
    b"{",
    b"[1, 2, 3]",
    b'{"code": 200}',
    b'{"task_id": 7}',
    b'{"task_id": "x", "code": "200"}',
)
"""Bodies that the ingress refuses, each for another reason."""


def sample() -> bytes:
    """The example in the sender's documentation, byte for byte."""
    return files(__name__).joinpath("callback.json").read_bytes()


def song(task_id: str, notes: int, seed: int = 0) -> bytes:
    """A callback with about ``notes`` notes (at least one), the same for the same arguments.

    As senders do, it writes numbers of 16 and more digits as strings.
    """
    chance = random.Random(f"{task_id}/{seed}")  # noqa: S311 - music, not secrets
    instruments = [
        {"name": name, "notes": [_note(chance, n) for n in range(share)]}
        for i, name in enumerate(_NAMES)
        if (share := (notes + len(_NAMES) - 1 - i) // len(_NAMES))
    ]
    data = {"state": "complete", "instruments": instruments}
    return orjson.dumps({"task_id": task_id, "code": 200, "msg": "success", "data": data})


def renamed(body: bytes, task_id: str) -> bytes:
    """A callback with another task id wherever it has one: two that differ make no callback."""
    callback = orjson.loads(body)
    data = callback.get("data")
    for holder in (callback, data, *(data if isinstance(data, list) else ())):
        if isinstance(holder, dict):
            holder.update({name: task_id for name in ("task_id", "taskId") if name in holder})
    return orjson.dumps(callback)


def _note(chance: random.Random, number: int) -> dict[str, object]:
    start = number * 24 + chance.randrange(24)
    length = chance.choice((12, 24, 36, 48))
    return {
        "pitch": chance.randrange(36, 84),
        "start": _time(start),
        "end": _time(start + length),
        "velocity": round(chance.uniform(0.4, 1.0), 3),
    }


def _time(steps: int) -> float | str:
    seconds = steps / _GRID
    text = repr(seconds)
    return text if len(text) > 16 else seconds
