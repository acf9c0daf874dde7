"""What both renderers put into a file: the score's instruments as tracks, and what every file shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.score import Instrument, Note, Score

TICKS_PER_QUARTER: Final = 480
MICROSECONDS_PER_QUARTER: Final = 500_000
"""120 bpm: 480 ticks a quarter note are 960 a second."""

NAME_MAX_BYTES: Final = 255


class Track(NamedTuple):
    """One chunk after the tempo track; without a channel it has a name and nothing else.

    ``notes`` are those of each instrument in it.
    """

    name: str
    channel: int | None
    program: int
    notes: list[Sequence[Note]]


def tracks(score: Score) -> list[Track]:
    """The tracks after the tempo track, in the file's order; instruments of one track stand in one."""
    chunks: dict[int, list[Instrument]] = {}
    for instrument in score.instruments:
        chunks.setdefault(instrument.track, []).append(instrument)
    return [_track(members) for members in chunks.values()]


def _track(members: list[Instrument]) -> Track:
    name = track_name(" + ".join(member.name for member in members))
    channel = members[0].channel
    notes: list[Sequence[Note]] = [] if channel is None else [member.notes for member in members]
    return Track(name, channel, members[0].program, notes)


def track_name(name: str) -> str:
    """A name as a track carries it: cut to 255 bytes of UTF-8 at a character's end."""
    return name.encode()[:NAME_MAX_BYTES].decode(errors="ignore")
