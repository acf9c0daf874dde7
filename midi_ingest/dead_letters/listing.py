"""What dead letters there are, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from midi_ingest.dead_letters.display import summary
from midi_ingest.dead_letters.groups import Group, grouped
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.moments import seconds, written
from midi_ingest.terminal import console, counted, print_json, table, visible


def print_groups(letters: Sequence[Letter]) -> None:
    """Print how many letters there are of each kind: faults of the system, then what was foreseen."""
    groups = grouped(letters)
    for title, is_fault in (("System faults: look into them.", True), ("Foreseen", False)):
        if some := [group for group in groups if group.newest.is_fault is is_fault]:
            print(f"\n{title}\n")
            console().print(_group_table(some))


def print_each(letters: Sequence[Letter], limit: int | None) -> None:
    """Print the newest letters, the newest last."""
    shown = newest(letters, limit)
    rows = table("id", "at", "reason", "worker", "task", "status", "bytes")
    for letter in shown:
        names = map(visible, (letter.reason, letter.worker, letter.task))
        rows.add_row(letter.id, seconds(letter.timestamp_ms), *names, letter.status, f"{letter.size_bytes:,}")
    console().print(rows)
    if len(shown) < len(letters):
        print(f"The newest {len(shown):,} of {counted(len(letters), 'letter')}.")


def as_json(letters: Sequence[Letter], *, each: bool, limit: int | None) -> dict[str, object]:
    """The letters, or their groups, as a part of a JSON document."""
    if each:
        return {"letters": [summary(letter) for letter in newest(letters, limit)]}
    return {"groups": [_group_summary(group) for group in grouped(letters)]}


def newest(letters: Sequence[Letter], limit: int | None) -> list[Letter]:
    """The newest so many of some letters, the newest last."""
    in_order = sorted(letters, key=lambda letter: (letter.timestamp_ms, letter.partition, letter.offset))
    return in_order[-limit:] if limit else in_order


def show(
    letters: Sequence[Letter],
    hidden: int,
    waiting: Mapping[str, int],
    *,
    each: bool,
    limit: int | None,
    as_document: bool,
    complete: bool,
) -> None:
    """Print what was found.

    ``hidden`` is how many more there are that were handled; ``waiting`` is about how many records wait for another try
    of each worker.
    """
    if as_document:
        told = as_json(letters, each=each, limit=limit)
        print_json(
            {"complete": complete, "count": len(letters), "hidden": hidden, "waiting": waiting, **told}
        )
        return
    if not letters:
        print("No dead letters.")
    elif each:
        print_each(letters, limit)
    else:
        print_groups(letters)
    if hidden:
        print(f"{counted(hidden, 'letter')} more, redriven, purged or resolved: --all shows them.")
    for worker, records in waiting.items():
        print(f"About {counted(records, 'record')} more of {visible(worker)} wait for another try.")


def _group_table(groups: Sequence[Group]) -> Table:
    rows = table("count", "reason", "worker", "status", "oldest", "newest", "newest id")
    for group in groups:
        rows.add_row(*_cells(group))
    return rows


def _cells(group: Group) -> Iterator[str]:
    letter = group.newest
    yield f"{group.count:,}"
    yield visible(letter.reason)
    yield visible(letter.worker)
    yield letter.status
    yield seconds(group.first_ms)
    yield seconds(group.last_ms)
    yield letter.id


def _group_summary(group: Group) -> dict[str, object]:
    letter = group.newest
    return {
        "reason": letter.reason,
        "fault": letter.is_fault,
        "worker": letter.worker,
        "status": letter.status,
        "count": group.count,
        "oldest": written(group.first_ms),
        "newest": written(group.last_ms),
        "bytes": group.size_bytes,
        "newest_id": letter.id,
    }
