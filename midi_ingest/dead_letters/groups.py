"""Letters of one kind as one line: the same reason, worker and status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from midi_ingest.dead_letters.letter import Letter


@dataclass(slots=True)
class Group:
    """How many letters of a kind there are, from when to when, and the newest of them as an example."""

    newest: Letter
    first_ms: int
    last_ms: int
    count: int = 0
    size_bytes: int = 0

    def add(self, letter: Letter) -> None:
        """Count a letter."""
        self.count += 1
        self.size_bytes += letter.size_bytes
        self.first_ms = min(self.first_ms, letter.timestamp_ms)
        if letter.timestamp_ms >= self.last_ms:
            self.newest, self.last_ms = letter, letter.timestamp_ms


def grouped(letters: Iterable[Letter]) -> list[Group]:
    """The groups of some letters: faults of ours first, then those with the most letters."""
    groups: dict[tuple[str, str, str], Group] = {}
    for letter in letters:
        kind = letter.reason, letter.worker, letter.status
        group = groups.setdefault(kind, Group(letter, letter.timestamp_ms, letter.timestamp_ms))
        group.add(letter)
    return sorted(
        groups.values(), key=lambda g: (not g.newest.is_fault, -g.count, g.newest.reason, g.newest.worker)
    )
