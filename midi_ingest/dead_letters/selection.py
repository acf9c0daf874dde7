"""Which letters are meant: by reason, worker, task and time, or by their ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cyclopts import Parameter

from midi_ingest.dead_letters.letter import Letter, parse_id
from midi_ingest.errand import Usage
from midi_ingest.moments import Moment, in_ms
from midi_ingest.process import Stopped
from midi_ingest.terminal import visible
from midi_ingest.workers import names


@Parameter(name="*")
@dataclass(frozen=True)
class Selection:
    """Options of all commands that take several letters; of one option any value has to fit, and all options."""

    reason: tuple[str, ...] = ()
    """only letters with this reason; may be repeated."""
    worker: tuple[str, ...] = ()
    """only what this worker failed on; may be repeated."""
    task: tuple[str, ...] = ()
    """only letters of this task; may be repeated."""
    since: Moment | None = None
    """only letters from this moment on: 2026-11-25T10:00Z, or an age such as 2h."""
    until: Moment | None = None
    """only letters from before this moment."""

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            _fits(letter.reason, self.reason)
            and _fits(letter.worker, self.worker)
            and _fits(letter.task, self.task)
            and (self.since is None or letter.timestamp_ms >= in_ms(self.since))
            and (self.until is None or letter.timestamp_ms < in_ms(self.until))
        )


EVERY_LETTER = Selection()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command that changes something is to change: some letters by their ids, or a selection."""

    ids: tuple[str, ...]
    selection: Selection

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return letter.id in self.ids if self.ids else self.selection.takes(letter)


def scope(ids: Sequence[str], selection: Selection, *, everything: bool) -> Scope:
    """What is meant by a command's arguments: it has to be said in one way.

    Raises:
        Usage: nothing is said, or several things that contradict each other, or an id is none.
    """
    ways = [bool(ids), selection != EVERY_LETTER, everything]
    if sum(ways) != 1:
        raise Usage("Say which letters: their ids, or options such as --reason and --since, or --everything.")
    try:
        return Scope(tuple(dict.fromkeys("{}:{}".format(*parse_id(text)) for text in ids)), selection)
    except ValueError as error:
        raise Usage(str(error)) from None


def require(meant: Scope, letters: Collection[Letter]) -> None:
    """Make sure that the letters that are meant by their ids are among all that there are, and of a worker one at all.

    A worker that this installation knows may have none: what asks for it again and again does not fail by that.

    Raises:
        Stopped: it is not so.
    """
    if set(meant.selection.worker) - {*names(), *(letter.worker for letter in letters)}:
        raise Stopped(strangers(meant.selection, letters))
    if missing := sorted(set(meant.ids) - {letter.id for letter in letters}):
        raise Stopped(
            f"There is no letter {', '.join(missing)}; `midi-ingest dlq list --each` shows those that are."
        )


def strangers(selection: Selection, letters: Collection[Letter]) -> str:
    """What to say where a worker is asked for that no letter is of; empty where each has one."""
    there = {letter.worker for letter in letters}
    if not (missing := [name for name in selection.worker if name not in there]):
        return ""
    others = ", ".join(map(visible, sorted(there - {""})))
    told = f"there are letters of {others}" if others else "there are none at all"
    return f"No letter {'of this time ' if selection.since else ''}is of {' or '.join(missing)}; {told}."


def oldest(letters: Sequence[Letter], limit: int | None) -> list[Letter]:
    """The oldest so many of some letters; all of them without a limit."""
    return sorted(letters, key=lambda letter: (letter.timestamp_ms, letter.partition, letter.offset))[:limit]


def _fits(value: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted
