"""What a redrive or a purge did, or would do: for a person, and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from midi_ingest.dead_letters.display import summary
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.dead_letters.purge import Prefix
from midi_ingest.dead_letters.redrive import Plan
from midi_ingest.terminal import console, counted, print_json, table, visible
from schemas.message import DAY_MS
from schemas.topics import DEAD_LETTER

DO_IT: Final = "--yes does it."
STAYS: Final = (
    "Open letters lie before them, and Kafka deletes only from a partition's beginning: they stay there until "
    f"{DEAD_LETTER.retention_ms // DAY_MS} days after they were written."
)
_NAMED: Final = 5
"""How many letters of a kind are named in a table."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """A redrive; ``done`` is how many letters were sent, None where it only said what it would do."""

    plan: Plan
    done: int | None
    complete: bool

    def show(self, *, as_document: bool) -> None:
        """Print where letters went and why some stay, for a person or as one JSON document."""
        if as_document:
            print_json(self._document())
        else:
            self._print()

    def _print(self) -> None:
        rows = table("count", "reason", "worker", "what becomes of them", "letters")
        for (reason, worker, fate), letters in _kinds(self.plan).items():
            rows.add_row(f"{len(letters):,}", *map(visible, (reason, worker, fate)), named(letters))
        if rows.row_count:
            console().print(rows)
        if self.done is None:
            print(
                f"{counted(len(self.plan.sent), 'letter')} would be redriven. {DO_IT if self.plan.sent else ''}"
            )
            return
        print(f"{counted(self.done, 'letter')} redriven.")
        if missing := len(self.plan.sent) - self.done:
            print(f"{counted(missing, 'letter')} left out: Kafka has deleted them meanwhile.")

    def _document(self) -> dict[str, object]:
        return {
            "complete": self.complete,
            "dry_run": self.done is None,
            "redriven": self.done or 0,
            "letters": [{**summary(letter), "to": topic} for letter, topic in self.plan.sent],
            "refused": [{**summary(letter), "why": why} for letter, why in self.plan.refused],
            "handled": [summary(letter) for letter in self.plan.handled],
        }


@dataclass(frozen=True, slots=True)
class Purge:
    """A purge: the letters that it hides, and what of each partition it deletes."""

    purged: Sequence[Letter]
    deleted: Mapping[int, Prefix]
    dry_run: bool
    complete: bool

    def show(self, *, as_document: bool) -> None:
        """Print what is hidden and what of that is deleted from Kafka, for a person or as one JSON document."""
        if as_document:
            print_json(self._document())
        else:
            self._print()

    def _print(self) -> None:
        would = "would be " if self.dry_run else ""
        gone = [letter for prefix in self.deleted.values() for letter in prefix.letters]
        hidden = [letter for letter in self.purged if letter.id not in self._gone]
        print(_sentence(self.purged, f"{would}purged, and so hidden"))
        print(_sentence(gone, f"{would}deleted from Kafka, those handled before included"))
        for number, prefix in self.deleted.items():
            print(f"  partition {number} below offset {prefix.end}: {counted(len(prefix.letters), 'letter')}")
        if hidden:
            print(_sentence(hidden, f"{would}only hidden") + f" {STAYS}")
        if self.dry_run and (self.purged or gone):
            print(DO_IT)

    def _document(self) -> dict[str, object]:
        return {
            "complete": self.complete,
            "dry_run": self.dry_run,
            "letters": [{**summary(letter), "deleted": letter.id in self._gone} for letter in self.purged],
            "deleted": [
                {"partition": number, "below_offset": prefix.end, "letters": len(prefix.letters)}
                for number, prefix in self.deleted.items()
            ],
        }

    @property
    def _gone(self) -> frozenset[str]:
        return frozenset(letter.id for prefix in self.deleted.values() for letter in prefix.letters)


def named(letters: Iterable[Letter]) -> str:
    """The ids of the first of some letters."""
    ids = [letter.id for letter in letters]
    return " ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")


def _kinds(plan: Plan) -> dict[tuple[str, str, str], list[Letter]]:
    """Letters by reason, worker and what becomes of them."""
    fates = [(letter, f"to {topic}") for letter, topic in plan.sent]
    fates += [(letter, f"refused: {why}") for letter, why in plan.refused]
    fates += [(letter, f"{letter.status} already") for letter in plan.handled]
    kinds: dict[tuple[str, str, str], list[Letter]] = defaultdict(list)
    for letter, fate in fates:
        kinds[letter.reason, letter.worker, fate].append(letter)
    return kinds


def _sentence(letters: Sequence[Letter], what: str) -> str:
    ids = f": {named(letters)}" if letters else ""
    return f"{counted(len(letters), 'letter')} {what}{ids}."
