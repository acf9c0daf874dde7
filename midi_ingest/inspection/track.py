"""One track's messages: its notes, each from its note-on to its note-off, and what else matters to them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import mido

_LONGEST_NAME: Final = 1000
"""The characters of a name that are kept: many parts may have it."""


class Span(NamedTuple):
    """A note in ticks."""

    start: int
    end: int
    pitch: int
    velocity: int


class ProgramChange(NamedTuple):
    """From a tick on, a channel (0–15) plays another program."""

    tick: int
    channel: int
    program: int


@dataclass(slots=True)
class Track:
    """What a track has: times in ticks, channels 0–15 as on the wire."""

    name: str | None = None
    end: int = 0
    tempos: list[tuple[int, int]] = field(default_factory=list)
    """Ticks, and microseconds a quarter note from there on."""
    programs: list[ProgramChange] = field(default_factory=list)
    notes: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    """By channel."""
    endless: int = 0
    """How many notes never end; they are taken to end with the track."""


_Sounding = dict[tuple[int, int], deque[tuple[int, int]]]
"""By channel and pitch, the notes that have begun: their ticks and velocities, the oldest first."""


def track_of(messages: Iterable[mido.Message]) -> Track:
    """The track that some messages make; a note-off ends the oldest note of its pitch and channel."""
    track = Track()
    sounding: _Sounding = defaultdict(deque)
    for message in messages:
        track.end += message.time
        _take(message, track, sounding)
    for (channel, pitch), begun in sounding.items():
        track.endless += len(begun)
        for start, velocity in begun:
            track.notes[channel].append(Span(start, track.end, pitch, velocity))
    return track


def _take(message: mido.Message, track: Track, sounding: _Sounding) -> None:
    match message.type:
        case "note_on" if message.velocity:
            sounding[message.channel, message.note].append((track.end, message.velocity))
        case "note_on" | "note_off":
            if begun := sounding[message.channel, message.note]:
                start, velocity = begun.popleft()
                track.notes[message.channel].append(Span(start, track.end, message.note, velocity))
        case "program_change":
            track.programs.append(ProgramChange(track.end, message.channel, message.program))
        case "set_tempo":
            track.tempos.append((track.end, message.tempo))
        case "track_name" if track.name is None:
            track.name = _decoded(message.name)[:_LONGEST_NAME]


def _decoded(latin_1: str) -> str:
    """A name as it was meant: mido reads Latin-1, which loses no byte; what is UTF-8, as ours are, is read again."""
    try:
        return latin_1.encode("latin-1").decode()
    except UnicodeDecodeError:
        return latin_1
