"""From a callback's body to the score: what was heard, in ticks, with channels and tracks decided."""

from __future__ import annotations

from typing import Final

from schemas.dialects import AUTO
from schemas.dialects.depth import MAX_CONTAINERS, has_too_many
from schemas.score import Instrument, Note, Score
from workers.music.body import read_instruments
from workers.music.channels import Player, share
from workers.music.errors import TooLarge
from workers.music.names import GENERAL_MIDI, Names
from workers.music.overlaps import settle
from workers.music.parts import Part, read_parts
from workers.music.repairs import Repairs
from workers.music.ticks import Placed, place_notes
from workers.music.typed_body import read_typed

COLUMNS_FROM_BYTES: Final = 4096
"""From so many on, which are 50 notes, columns are faster than going note by note (docs/decisions/0018)."""

_Song = tuple[list[Instrument], int]
"""Its instruments, and its duration in ticks."""


def normalize(body: bytes, task_id: str, names: Names = GENERAL_MIDI, *, dialect: str = AUTO) -> Score:
    """The score in a callback, with a warning for each kind of repair.

    ``dialect`` is the header ``midi-dialect``; where it names no dialect, the body's shape tells. Memory grows by at
    most 60 times the body, or 30 MiB where it is smaller than half a MiB (docs/decisions/0022).

    Raises:
        InvalidPayload: the body cannot be read as a callback with a song.
        TooLarge: it has more than 1,024 instruments, or more than 262,144 arrays and objects.
    """
    if has_too_many(body):
        raise TooLarge(f"The body has more than {MAX_CONTAINERS:,} arrays and objects.")
    repairs = Repairs()
    song = _by_columns(body, dialect, names, repairs)
    instruments, duration = song or _note_by_note(body, dialect, names, repairs)
    return Score(task_id=task_id, duration=duration, warnings=repairs.warnings(), instruments=instruments)


def _by_columns(body: bytes, dialect: str, names: Names, repairs: Repairs) -> _Song | None:
    """A long song that is as documented in every respect; None where it is another."""
    if len(body) < COLUMNS_FROM_BYTES or (typed := read_typed(body, dialect)) is None:
        return None
    from workers.music.columns.received import received  # noqa: PLC0415 - only where there are long songs
    from workers.music.columns.song import read_song  # noqa: PLC0415

    song = received(typed)
    del typed  # it takes five times as much memory
    return read_song(song, names, repairs)


def _note_by_note(body: bytes, dialect: str, names: Names, repairs: Repairs) -> _Song:
    parts = read_parts(read_instruments(body, dialect), names, repairs)
    instruments = _seat(parts, place_notes(parts, repairs), repairs)
    ends = (note.end for instrument in instruments for note in instrument.notes)
    return instruments, max(ends, default=0)


def _seat(parts: list[Part], notes: list[list[Placed]], repairs: Repairs) -> list[Instrument]:
    """Each part with its channel and track, and with what its track leaves of its notes."""
    players = [Player(part.sound.program, part.sound.drums, silent=not part.notes) for part in parts]
    instruments: dict[int, Instrument] = {}
    for track, group in enumerate(share(players), start=1):
        members = [parts[member] for member in group.members]
        _report_sharing(members, repairs)
        settled = settle([note for member in group.members for note in notes[member]], repairs)
        for part, left in zip(members, _divided(settled, members), strict=True):
            instruments[part.index] = Instrument(
                part.name, group.program, part.sound.drums, group.channel, track, left
            )
    return [instruments[part.index] for part in parts]


def _report_sharing(members: list[Part], repairs: Repairs) -> None:
    if len(members) > 1 and not members[0].sound.drums:
        for part in members:
            repairs.add("channels-shared", (part.index,))


def _divided(notes: list[Placed], members: list[Part]) -> list[list[Note]]:
    """A track's notes, given back to the members that they came from."""
    divided: dict[int, list[Note]] = {part.index: [] for part in members}
    for note in notes:
        divided[note.place[0]].append(Note(note.start, note.end, note.pitch, note.velocity))
    return list(divided.values())
