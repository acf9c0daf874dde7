"""Mutations that leave JSON what it is: bytes changed at random are seldom JSON at all, and reach no rule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import orjson

VALUES: Final[tuple[object, ...]] = (
    *(None, True, 0, -1, 1, 2, 7, 60, 60.5, 127, 128, 0.5, 2.0000000000000004, 90, 2**64 - 1, -0.0),
    *(5e-324, 1e308),
    *(86400, 86400.00000000001, -86400, 0.0005208333333333333, 0.0015625, 1.0001, 3600.25),
    *("", "0.5", "60.0", "1e400", "nan", "-inf", " 7 ", "+7", ".5", "7.", "1_0", "1e-400", "86400"),
    *("null", "NULL"),
    *("Drums", "Kit", "Violin", "Viola", "Lead 1 (square)", "Sound Effects", "Helicopter", "?", "é", "鋼琴"),
    *([], {}, [[]], {"notes": [{}]}, {"pitch": 60, "start": 1, "end": 2, "velocity": 0.5}),
)
KEYS: Final = (
    *("pitch", "start", "end", "velocity", "name", "notes"),
    *("instruments", "data", "task_id", "taskId", "code"),
)

Place = tuple[Any, Any]
"""An array or object, and an index or key in it."""


def mutated(body: bytes, seed: int) -> bytes | None:
    """A body with up to four of its values changed, moved, repeated or removed; None where that is not possible."""
    chance = random.Random(seed)  # noqa: S311 - fuzzing, not secrets
    try:
        value = orjson.loads(body)
        for _ in range(chance.randint(1, 4)):
            if places := list(_places(value)):
                _change(*chance.choice(places), places, chance)
        return orjson.dumps(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):  # it is no JSON, or too deep
        return None


def _places(value: Any) -> Iterator[Place]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _change(holder: Any, key: Any, places: list[Place], chance: random.Random) -> None:
    match chance.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = holder[key]
        case 1 | 2 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * chance.choice((1, 1, 2, 16))
        case 3:
            other, its_key = chance.choice(places)
            holder[key] = deepcopy(other[its_key]) if _has(other, its_key) else None
        case 4 if type(holder[key]) in {int, float}:
            holder[key] = chance.choice((-1, 0.5, 2, 127, 1 / 127)) * float(holder[key])
        case _:
            holder[key] = chance.choice(VALUES)


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)
