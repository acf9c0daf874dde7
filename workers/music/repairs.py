"""What was mended or dropped in one callback, told in the score's ``warnings``."""

from __future__ import annotations

from typing import Literal

from schemas.score import Warning  # noqa: A004 - the contract's word

Code = Literal[
    "channels-shared",
    "negative-length",
    "negative-start",
    "no-instruments",
    "no-notes",
    "not-a-number",
    "not-an-object",
    "overlap-trimmed",
    "pitch-not-whole",
    "pitch-out-of-range",
    "repeated-note",
    "silent-note",
    "time-out-of-range",
    "unknown-instrument",
    "velocity-missing",
    "velocity-scale-127",
    "zero-length",
]

Place = tuple[int, ...]
"""Where in ``data``, counted as received: ``()`` all instruments, ``(2,)`` one, ``(2, 17)`` one's note."""


class Repairs:
    """The repairs of one callback, counted by code."""

    def __init__(self) -> None:
        self._counts: dict[Code, int] = {}
        self._firsts: dict[Code, Place] = {}

    def add(self, code: Code, place: Place, count: int = 1) -> None:
        """Count a repair; of all its places, the first in the order received is kept as the example."""
        self._counts[code] = self._counts.get(code, 0) + count
        self._firsts[code] = min(place, self._firsts.get(code, place))

    def warnings(self) -> list[Warning]:
        """One warning a code, in the order in which the codes first came up."""
        return [Warning(code, count, _path(self._firsts[code])) for code, count in self._counts.items()]


def _path(place: Place) -> str:
    indices = (f"[{index}]" for index in place)
    return "instruments" + ".notes".join(indices)
