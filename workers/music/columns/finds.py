"""What the rules find in columns, told as if they had gone from note to note."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from operator import itemgetter

from workers.music.columns.notes import Ints
from workers.music.repairs import Code, Place, Repairs


class Finds:
    """The repairs of a callback, step by step; its instruments have so many notes each."""

    def __init__(self, sizes: list[int]) -> None:
        self._firsts = list(accumulate(sizes, initial=0))
        self._found: list[tuple[Place, Code, Place, int]] = []

    def add(self, code: Code, place: Place, count: int = 1, *, when: Place | None = None) -> None:
        """Count repairs, of which ``place`` is the first as received; the step comes to it there, or ``when``."""
        self._found.append((place if when is None else when, code, place, count))

    def add_notes(self, code: Code, numbers: Ints, *, when: Place | None = None) -> None:
        """Count a repair for each of these notes, numbered as received."""
        if len(numbers):
            self.add(code, self._place(int(numbers.min())), len(numbers), when=when)

    def tell(self, repairs: Repairs) -> None:
        """Add all to the callback's repairs, in the order in which the step came to them; then the next begins."""
        for _, code, place, count in sorted(self._found, key=itemgetter(0)):
            repairs.add(code, place, count)
        self._found.clear()

    def _place(self, number: int) -> Place:
        instrument = bisect_right(self._firsts, number) - 1
        return (instrument, number - self._firsts[instrument])
