"""Songs in JSON, down to the last digit, in every dialect; and what becomes of them."""

from __future__ import annotations

from typing import Final

from schemas.score import Instrument, Note, Score
from tests.unit.schemas.dialects import senders
from workers.music.names import Names, Sound
from workers.music.normalize import normalize

Found = dict[str, tuple[int, str]]
"""Warnings: how many and where first, by code."""

NAMES: Final = Names((f"program {number}", Sound(number)) for number in range(128))
"""Every program has a name."""

A_SECOND: Final = Note(0, 960, 60, 127)
"""What `note` becomes."""


def note(**fields: str) -> str:
    """A note with nothing to mend, but for the fields given as JSON; an empty one is absent."""
    given = {"pitch": "60", "start": "0", "end": "1", "velocity": "1"} | fields
    return "{" + ", ".join(f'"{name}": {value}' for name, value in given.items() if value) + "}"


def instrument(*notes: str, name: str = "Violin") -> str:
    """An instrument with these notes."""
    return f'{{"name": "{name}", "notes": [{", ".join(notes)}]}}'


def scored(*instruments: str) -> Score:
    """The score of these instruments, which is the same whoever sends them."""
    return scored_as(f"[{', '.join(instruments)}]")


def scored_as(instruments: str) -> Score:
    """The score of what stands in ``instruments``."""
    first, *others = (
        normalize(body_of(sender, instruments), "a1", NAMES, dialect=sender) for sender in senders.SENDERS
    )
    assert others == [first] * len(others)
    return first


def body_of(sender: str, instruments: str) -> bytes:
    """The callback of a sender with this as its ``instruments``."""
    return senders.success(sender, "*").replace(b'"*"', instruments.encode())


def found(score: Score) -> Found:
    """The warnings of a score."""
    return {warning.code: (warning.count, warning.first) for warning in score.warnings}


def played(*notes: str) -> tuple[list[Note], Found]:
    """What is left of one instrument's notes, and the warnings."""
    score = scored(instrument(*notes))
    [only] = score.instruments
    return list(only.notes), found(score)


def dropped_as(note: str) -> str | None:
    """The code of the warning that a note is dropped with; None where it stays."""
    left, warnings = played(note)
    if left:
        return None
    [(code, told)] = warnings.items()
    assert told == (1, "instruments[0].notes[0]")
    return code


def seats(score: Score) -> list[tuple[int | None, int]]:
    """The channel and track of each instrument."""
    return [(instrument.channel, instrument.track) for instrument in score.instruments]


def silent(name: str, program: int, track: int) -> Instrument:
    """An instrument without notes."""
    return Instrument(name, program, False, None, track, [])
