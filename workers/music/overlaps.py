"""Notes of one pitch that meet in one track: MIDI cannot tell them apart, so each ends before the next."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from workers.music.repairs import Repairs
from workers.music.ticks import Placed

_ORDER: Final = attrgetter("start", "pitch")


def settle(notes: list[Placed], repairs: Repairs) -> list[Placed]:
    """One track's notes, which come in the order received, sorted and without repeats and overlaps."""
    settled = _merge(sorted(notes, key=_ORDER), repairs)
    _trim(settled, repairs)
    return settled


def _merge(notes: list[Placed], repairs: Repairs) -> list[Placed]:
    """Of notes with one start and pitch, the first received, with the latest end and the loudest velocity."""
    merged: list[Placed] = []
    for note in notes:
        first = merged[-1] if merged else None
        if first is not None and first.start == note.start and first.pitch == note.pitch:
            first.end = max(first.end, note.end)
            first.velocity = max(first.velocity, note.velocity)
            repairs.add("repeated-note", note.place)
        else:
            merged.append(note)
    return merged


def _trim(notes: list[Placed], repairs: Repairs) -> None:
    """Let each note end where the next of its pitch starts, at the latest."""
    last_of_pitch: dict[int, Placed] = {}
    for note in notes:
        earlier = last_of_pitch.get(note.pitch)
        if earlier is not None and earlier.end > note.start:
            earlier.end = note.start
            repairs.add("overlap-trimmed", earlier.place)
        last_of_pitch[note.pitch] = note
