"""From a song's columns to the score's instruments: the steps in their order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from schemas.score import Instrument
from workers.music.channels import DRUM_CHANNEL, Group, Player, share
from workers.music.columns.drops import heard
from workers.music.columns.finds import Finds
from workers.music.columns.notes import Columns, Ints, Notes
from workers.music.columns.overlaps import Settled, settled
from workers.music.columns.received import Received
from workers.music.columns.ticks import placed
from workers.music.names import Names, Sound
from workers.music.parts import identify
from workers.music.repairs import Repairs


def read_song(song: Received, names: Names, repairs: Repairs) -> tuple[list[Instrument], int]:
    """The instruments of a song after all rules, and its duration in ticks."""
    finds = Finds(song.sizes)
    parts = _parts(song, names, finds)
    stay = heard(song, finds)
    finds.tell(repairs)
    notes = placed(stay, finds)
    finds.tell(repairs)
    sizes = [end - first for first, end in pairwise(_bounds(stay.instrument, len(parts)))]
    groups = share(
        [Player(sound.program, sound.drums, not size) for (_, sound), size in zip(parts, sizes, strict=True)]
    )
    sounding = [group for group in groups if group.channel is not None]
    _report_sharing(sounding, finds)
    left = settled(notes, _tracks(sounding, sizes), finds)
    finds.tell(repairs)
    return _seated(parts, groups, left), int(left.end.max(initial=0))


def _parts(song: Received, names: Names, finds: Finds) -> list[tuple[str, Sound]]:
    if not song.names:
        finds.add("no-instruments", ())
    parts = []
    for index, (name, size) in enumerate(zip(song.names, song.sizes, strict=True)):
        if not size:
            finds.add("no-notes", (index,))
        parts.append(identify(name, index, names, finds.add))
    return parts


def _report_sharing(sounding: list[Group], finds: Finds) -> None:
    for track, group in enumerate(sounding):
        if len(group.members) > 1 and group.channel != DRUM_CHANNEL:
            for member in group.members:
                finds.add("channels-shared", (member,), when=(track,))


def _tracks(sounding: list[Group], sizes: list[int]) -> Ints:
    """The number, among the tracks that sound, of each note's; its instruments have so many."""
    tracks = np.zeros(len(sizes), np.uint8)
    for track, group in enumerate(sounding):
        tracks[group.members] = track
    return np.repeat(tracks, sizes)


def _seated(parts: list[tuple[str, Sound]], groups: list[Group], notes: Settled) -> list[Instrument]:
    whole = Notes(Columns(notes.start, notes.end, notes.pitch, notes.velocity))
    bounds = _bounds(notes.instrument, len(parts))
    instruments: dict[int, Instrument] = {}
    for track, group in enumerate(groups, start=1):
        for member in group.members:
            name, sound = parts[member]
            own = whole[bounds[member] : bounds[member + 1]]
            instruments[member] = Instrument(name, group.program, sound.drums, group.channel, track, own)
    return [instruments[index] for index in range(len(parts))]


def _bounds(instruments: Ints, count: int) -> list[int]:
    """Where the notes of each instrument begin, of which they are sorted by; and where the last one's end."""
    bounds: list[int] = np.searchsorted(instruments, np.arange(count + 1, dtype=instruments.dtype)).tolist()
    return bounds
