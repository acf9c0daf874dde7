"""Notes of one pitch that meet in one track: the rules of `overlaps` on columns, for all tracks at once."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from workers.music.columns.finds import Finds
from workers.music.columns.notes import Ints
from workers.music.columns.ticks import Placed
from workers.music.repairs import Place

# Notes are sorted as integers: a track or an instrument, both up to 1,024, seven bits of pitch, 27 of the start's
# tick, which is within 24 h; and, where they are not too many, 18 of their place.
_PITCH_BITS: Final = 7
_PITCH_MASK: Final = (1 << _PITCH_BITS) - 1
_TICK_BITS: Final = 27
_TICK_MASK: Final = (1 << _TICK_BITS) - 1
_PLACE_BITS: Final = 18
_MAX_PLACES: Final = 1 << _PLACE_BITS


class _Voiced(NamedTuple):
    """Notes sorted by ``key``: their track, pitch and start; ``place`` is theirs among those that were sorted."""

    key: Ints
    place: Ints
    end: Ints
    velocity: Ints


def settled(notes: Placed, tracks: Ints, finds: Finds) -> Placed:
    """The notes without repeats and overlaps in any track, sorted by instrument, start and pitch.

    ``tracks`` has the track of each instrument.
    """
    key, place = _sorted((tracks[notes.instrument] << _PITCH_BITS | notes.pitch) << _TICK_BITS | notes.start)
    voiced = _Voiced(key, place, notes.end[place], notes.velocity[place])
    voiced = _merged(voiced, notes.number, finds)
    _trim(voiced, notes.number, finds)
    return _by_instrument(voiced, notes)


def _merged(notes: _Voiced, numbers: Ints, finds: Finds) -> _Voiced:
    """Of notes with one start and pitch, the first received, with the latest end and the loudest velocity."""
    repeats = np.diff(notes.key, prepend=-1) == 0
    if not repeats.any():
        return notes
    finds.add_notes("repeated-note", numbers[notes.place[repeats]], when=_first_track(notes.key[repeats]))
    firsts = np.flatnonzero(~repeats)
    return _Voiced(
        notes.key[firsts],
        notes.place[firsts],
        np.maximum.reduceat(notes.end, firsts),
        np.maximum.reduceat(notes.velocity, firsts),
    )


def _trim(notes: _Voiced, numbers: Ints, finds: Finds) -> None:
    """Let each note end where the next of its pitch starts, at the latest."""
    voices, starts = notes.key >> _TICK_BITS, notes.key & _TICK_MASK
    overlaps = (voices[1:] == voices[:-1]) & (notes.end[:-1] > starts[1:])
    if overlaps.any():
        earlier = np.flatnonzero(overlaps)
        finds.add_notes(
            "overlap-trimmed", numbers[notes.place[earlier]], when=_first_track(notes.key[earlier])
        )
        notes.end[earlier] = starts[earlier + 1]


def _first_track(keys: Ints) -> Place:
    return (int(keys[0]) >> (_TICK_BITS + _PITCH_BITS),)


def _by_instrument(notes: _Voiced, placed: Placed) -> Placed:
    pitches, starts = notes.key >> _TICK_BITS & _PITCH_MASK, notes.key & _TICK_MASK
    instruments = placed.instrument[notes.place]
    key, place = _sorted((instruments << _TICK_BITS | starts) << _PITCH_BITS | pitches)
    return Placed(
        placed.number[notes.place[place]],
        key >> (_TICK_BITS + _PITCH_BITS),
        key & _PITCH_MASK,
        key >> _PITCH_BITS & _TICK_MASK,
        notes.end[place],
        notes.velocity[place],
    )


def _sorted(keys: Ints) -> tuple[Ints, Ints]:
    """The keys in their order, and the place that each had; equal ones as they stood.

    Sorting integers that hold both takes half the time of `argsort`.
    """
    if len(keys) > _MAX_PLACES:
        places = np.argsort(keys, kind="stable")
        return keys[places], places
    both = keys << _PLACE_BITS | np.arange(len(keys), dtype=np.int64)
    both.sort()
    return both >> _PLACE_BITS, both & ((1 << _PLACE_BITS) - 1)
