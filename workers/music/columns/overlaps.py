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
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_MAX_PLACES: Final = 1 << _PLACE_BITS


class Settled(NamedTuple):
    """What is left of the notes."""

    instrument: Ints
    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


class _Voiced(NamedTuple):
    """Notes sorted by ``key``: their track, pitch and start; ``place`` is theirs among those that were sorted."""

    key: Ints
    place: Ints
    end: Ints
    velocity: Ints


def settled(notes: Placed, tracks: Ints, finds: Finds) -> Settled:
    """The notes without repeats and overlaps in any track, sorted by instrument, start and pitch.

    ``tracks`` has the track of each instrument.
    """
    key = tracks.take(notes.instrument)
    _append(key, notes.pitch, _PITCH_BITS)
    _append(key, notes.start, _TICK_BITS)
    place = _sort(key)
    voiced = _merged(
        _Voiced(key, place, notes.end.take(place), notes.velocity.take(place)), notes.number, finds
    )
    _trim(voiced, notes.number, finds)
    return _by_instrument(voiced, notes.instrument)


def _merged(notes: _Voiced, numbers: Ints, finds: Finds) -> _Voiced:
    """Of notes with one start and pitch, the first received, with the latest end and the loudest velocity."""
    repeats = np.flatnonzero(notes.key[1:] == notes.key[:-1]) + 1
    if not len(repeats):
        return notes
    finds.add_notes("repeated-note", numbers[notes.place[repeats]], when=_first_track(notes.key[repeats]))
    firsts = np.delete(np.arange(len(notes.key)), repeats)
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


def _by_instrument(notes: _Voiced, instruments: Ints) -> Settled:
    key = instruments.take(notes.place)
    _append(key, notes.key & _TICK_MASK, _TICK_BITS)
    _append(key, (notes.key >> _TICK_BITS) & _PITCH_MASK, _PITCH_BITS)
    place = _sort(key)
    pitch = key & _PITCH_MASK
    key >>= _PITCH_BITS
    return Settled(
        key >> _TICK_BITS, key & _TICK_MASK, notes.end.take(place), pitch, notes.velocity.take(place)
    )


def _append(key: Ints, numbers: Ints, bits: int) -> None:
    """Let the keys compare by these numbers, too, where all that they hold so far is equal."""
    key <<= bits
    key |= numbers


def _sort(key: Ints) -> Ints:
    """Sort the keys, and return the place that each had; equal ones stay as they stood.

    Sorting integers that hold both takes half the time of `argsort`.
    """
    if len(key) > _MAX_PLACES:
        place = np.argsort(key, kind="stable")
        key[:] = key[place]
        return place
    _append(key, np.arange(len(key), dtype=np.int64), _PLACE_BITS)
    key.sort()
    place = key & _PLACE_MASK
    key >>= _PLACE_BITS
    return place
