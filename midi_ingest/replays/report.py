"""What a replay did, or would do: for a person, and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from midi_ingest.moments import seconds, written
from midi_ingest.replays.stored import Stored
from midi_ingest.terminal import console, counted, print_json, table


@dataclass(frozen=True, slots=True)
class Report:
    """A replay; ``done`` is how many records were run again, None where it only said which it would."""

    found: Sequence[Stored]
    done: int | None
    rate: float
    complete: bool

    def show(self, *, as_document: bool) -> None:
        """Print it for a person, or as one JSON document."""
        if as_document:
            print_json(self._document())
        else:
            self._print()

    def _print(self) -> None:
        rows = table("records", "from", "to worker", "oldest", "newest", "bytes")
        for (topic, worker), items in self._kinds().items():
            times = seconds(items[0].timestamp_ms), seconds(items[-1].timestamp_ms)
            rows.add_row(f"{len(items):,}", topic, worker, *times, f"{_bytes(items):,}")
        if rows.row_count:
            console().print(rows)
        if self.done is not None:
            print(f"{counted(self.done, 'record')} replayed.")
        elif self.found:
            takes = len(self.found) / self.rate
            print(
                f"{counted(len(self.found), 'record')} would be replayed in {takes:.0f} s or more. --yes does it."
            )
        else:
            print("There is nothing to replay.")

    def _document(self) -> dict[str, object]:
        return {
            "complete": self.complete,
            "dry_run": self.done is None,
            "replayed": self.done or 0,
            "records": [
                {
                    "from": topic,
                    "worker": worker,
                    "count": len(items),
                    "oldest": written(items[0].timestamp_ms),
                    "newest": written(items[-1].timestamp_ms),
                    "bytes": _bytes(items),
                }
                for (topic, worker), items in self._kinds().items()
            ],
        }

    def _kinds(self) -> dict[tuple[str, str], list[Stored]]:
        """Records by topic and worker, the oldest first."""
        kinds: dict[tuple[str, str], list[Stored]] = defaultdict(list)
        for item in self.found:
            kinds[item.place.topic, item.worker].append(item)
        return kinds


def _bytes(items: Sequence[Stored]) -> int:
    return sum(item.size_bytes for item in items)
