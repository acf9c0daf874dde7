"""Notes of one pitch that meet in one track: the rules of `overlaps` on columns, for all tracks at once."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from workers.music.columns.finds import Finds
from workers.music.columns.notes import Ints
from workers.music.columns.ticks import Placed

# Notes are sorted as integers: the number of their track, of which 16 sound, 27 bits of their start's tick, which is
# within 24 h, and seven of their pitch.
_PITCH_BITS: Final = 7
_PITCH_MASK: Final = (1 << _PITCH_BITS) - 1
_TICK_BITS: Final = 27
_TICK_MASK: Final = (1 << _TICK_BITS) - 1
_TRACK_SHIFT: Final = _PITCH_BITS + _TICK_BITS


class Settled(NamedTuple):
    """What is left of the notes, sorted by instrument, start and pitch."""

    instrument: Ints
    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


class _Sorted(NamedTuple):
    """Notes sorted by ``key``: their track, start and pitch; ``place`` is theirs in the order received."""

    key: Ints
    place: Ints
    end: Ints
    velocity: Ints


def settled(notes: Placed, tracks: Ints, finds: Finds) -> Settled:
    """The notes without repeats and overlaps; ``tracks`` has the number of each instrument's track, from 0 to 15."""
    key = tracks.take(notes.instrument)
    key <<= _TICK_BITS
    key |= notes.start
    key <<= _PITCH_BITS
    key |= notes.pitch
    # Of the kinds of sorting, the stable one is done at once with what is in order, as senders have it.
    place = np.argsort(key, kind="stable")
    in_order = _Sorted(key.take(place), place, notes.end.take(place), notes.velocity.take(place))
    left = _merged(in_order, notes.number, finds)
    _trim(left, notes.number, finds)
    return _by_instrument(left, notes.instrument)


def _merged(notes: _Sorted, numbers: Ints, finds: Finds) -> _Sorted:
    """Of notes with one start and pitch, the first received, with the latest end and the loudest velocity."""
    repeats = np.flatnonzero(notes.key[1:] == notes.key[:-1]) + 1
    if not len(repeats):
        return notes
    track = int(notes.key[repeats[0]]) >> _TRACK_SHIFT
    finds.add_notes("repeated-note", numbers[notes.place[repeats]], when=(track,))
    firsts = np.delete(np.arange(len(notes.key)), repeats)
    end, velocity = np.maximum.reduceat(notes.end, firsts), np.maximum.reduceat(notes.velocity, firsts)
    return _Sorted(notes.key[firsts], notes.place[firsts], end, velocity)


def _trim(notes: _Sorted, numbers: Ints, finds: Finds) -> None:
    """Let each note end where the next of its pitch in its track starts, at the latest."""
    order = np.argsort(_pitch(notes.key), kind="stable")  # of bytes, that is a radix sort
    keys, ends = notes.key.take(order), notes.end.take(order)
    starts, voices = _start(keys), keys & ~(_TICK_MASK << _PITCH_BITS)
    earlier = np.flatnonzero((voices[1:] == voices[:-1]) & (ends[:-1] > starts[1:]))
    if len(earlier):
        trimmed, track = order[earlier], int(keys[earlier].min()) >> _TRACK_SHIFT
        finds.add_notes("overlap-trimmed", numbers[notes.place[trimmed]], when=(track,))
        notes.end[trimmed] = starts[earlier + 1]


def _by_instrument(notes: _Sorted, instruments: Ints) -> Settled:
    instrument, pitch = instruments.take(notes.place), _pitch(notes.key)
    left = Settled(instrument, _start(notes.key), notes.end, pitch, notes.velocity)
    if (instrument[1:] >= instrument[:-1]).all():
        return left
    order = np.argsort(instrument, kind="stable")  # instruments share a track
    return Settled._make(column.take(order) for column in left)


def _start(keys: Ints) -> Ints:
    return keys >> _PITCH_BITS & _TICK_MASK


def _pitch(keys: Ints) -> Ints:
    return keys.astype(np.uint8) & _PITCH_MASK
