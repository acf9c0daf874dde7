"""What is heard of a song's tracks: what a score says, to be compared with what readers find in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from schemas.score import Instrument, Score


class Heard(NamedTuple):
    """A note: its channel from 1 to 16, and its times in ticks."""

    channel: int
    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Track:
    """A track after the first; without a channel it has a name and nothing else."""

    name: str
    channel: int | None
    program: int | None
    notes: list[Heard]
    """By start and pitch."""


def tracks_of(score: Score) -> list[Track]:
    """The tracks that the score's file must have."""
    chunks: dict[int, list[Instrument]] = {}
    for instrument in score.instruments:
        chunks.setdefault(instrument.track, []).append(instrument)
    assert list(chunks) == list(range(1, len(chunks) + 1))
    return [_track(members) for members in chunks.values()]


def _track(members: list[Instrument]) -> Track:
    [channel] = {member.channel for member in members}
    [program] = {member.program for member in members}
    name = shortened(" + ".join(member.name for member in members))
    if channel is None:
        return Track(name, None, None, [])
    return Track(
        name, channel, program, sorted(Heard(channel, *note) for member in members for note in member.notes)
    )


def shortened(name: str) -> str:
    """A name as a file has it: at most 255 bytes of UTF-8, and no half characters."""
    return name.encode()[:255].decode(errors="ignore")
