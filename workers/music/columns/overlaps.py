"""Notes of one pitch that meet in one track: the rules of `overlaps` on columns, for all tracks at once."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from workers.music.columns.drops import Mask
from workers.music.columns.finds import Finds
from workers.music.columns.notes import Ints
from workers.music.columns.ticks import Placed

# Notes are sorted as integers: the number of their track, of which 16 sound, 27 bits of their start's tick, which is
# within 24 h, and seven of their pitch.
_PITCH_BITS: Final = 7
_TICK_BITS: Final = 27


class Settled(NamedTuple):
    """What is left of the notes, sorted by instrument, start and pitch."""

    instrument: Ints
    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


class _Seated(NamedTuple):
    """Notes with the track they sound in; ``number`` and ``instrument`` as in `Placed`."""

    number: Ints
    instrument: Ints
    track: Ints
    start: Ints
    end: Ints
    pitch: Ints
    velocity: Ints


def settled(notes: Placed, tracks: Ints, finds: Finds) -> Settled:
    """The notes without repeats and overlaps; ``tracks`` has the number of each one's track, from 0 to 15."""
    left = _in_order(
        _Seated(notes.number, notes.instrument, tracks, notes.start, notes.end, notes.pitch, notes.velocity),
        finds,
    )
    _trim(left, finds)
    return _by_instrument(left)


def _in_order(notes: _Seated, finds: Finds) -> _Seated:
    """The notes sorted by track, start and pitch, those with all three the same as one."""
    key = _key(notes)
    if (key[1:] > key[:-1]).all():
        return notes  # as senders mostly have them
    order = np.argsort(key, kind="stable")  # of the kinds, this one makes use of it that they almost are
    key, notes = key.take(order), _chosen(notes, order)
    is_first = np.append(True, key[1:] != key[:-1])
    return notes if is_first.all() else _merged(notes, is_first, finds)


def _key(notes: _Seated) -> Ints:
    key = notes.track.astype(np.int64)
    key <<= _TICK_BITS
    key |= notes.start
    key <<= _PITCH_BITS
    key |= notes.pitch
    return key


def _merged(notes: _Seated, is_first: Mask, finds: Finds) -> _Seated:
    """Of each first note and those that repeat it the first, with the latest end and the loudest velocity."""
    repeats, firsts = np.flatnonzero(~is_first), np.flatnonzero(is_first)
    finds.add_notes("repeated-note", notes.number[repeats], when=(int(notes.track[repeats[0]]),))
    end, velocity = np.maximum.reduceat(notes.end, firsts), np.maximum.reduceat(notes.velocity, firsts)
    return _chosen(notes, firsts)._replace(end=end, velocity=velocity)


def _trim(notes: _Seated, finds: Finds) -> None:
    """Let each note end where the next of its pitch in its track starts, at the latest."""
    order = np.argsort(notes.pitch, kind="stable")  # of bytes, that is a radix sort
    track, pitch = notes.track.take(order), notes.pitch.take(order)
    start, end = notes.start.take(order), notes.end.take(order)
    is_met = (pitch[1:] == pitch[:-1]) & (track[1:] == track[:-1]) & (end[:-1] > start[1:])
    earlier = np.flatnonzero(is_met)
    if len(earlier):
        trimmed = order[earlier]
        finds.add_notes("overlap-trimmed", notes.number[trimmed], when=(int(track[earlier].min()),))
        notes.end[trimmed] = start[earlier + 1]


def _by_instrument(notes: _Seated) -> Settled:
    left = Settled(notes.instrument, notes.start, notes.end, notes.pitch, notes.velocity)
    if (left.instrument[1:] >= left.instrument[:-1]).all():
        return left
    order = np.argsort(left.instrument, kind="stable")  # instruments share a track
    return Settled._make(column.take(order) for column in left)


def _chosen(notes: _Seated, chosen: Ints) -> _Seated:
    return _Seated._make(column.take(chosen) for column in notes)
