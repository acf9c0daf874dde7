"""From tracks to their note events in the file's bytes (Standard MIDI Files 1.0), all tracks at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.score import LAST_TICK, Note
from workers.music.columns.notes import Columns, Ints, columns_of
from workers.music.variable_length import variable_length

Gaps = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint32]

# An event is one integer, so that sorting is fast: its track, its tick, a bit that is set in an on, and a byte each
# of pitch and velocity, whose top bit is never set.
_PITCH_SHIFT: Final = 8
_ON: Final = 1 << 15
_TICK_SHIFT: Final = 16
_TICK_BITS: Final = LAST_TICK.bit_length()
_TRACK_SHIFT: Final = _TICK_SHIFT + _TICK_BITS

_SHORT: Final = 1 << 14
"""Gaps below this take one byte or two."""

_FILLER: Final = b"\x80"
"""Stands where a gap takes one byte: no byte of a short gap, a pitch or a velocity is the same."""


def note_events(tracks: Sequence[Sequence[Sequence[Note]]], statuses: Sequence[bytes]) -> list[bytes]:
    """The note events of tracks, each given as its members' notes; one of them has a note at least.

    Each track's first event is preceded by its status; running status says it for all others.

    Raises:
        OverflowError: a tick is beyond `LAST_TICK`.
    """
    parts = [[columns_of(notes) for notes in members] for members in tracks]
    sizes = np.array([2 * sum(len(part.start) for part in members) for members in parts], np.int64)
    together = zip(*chain.from_iterable(parts), strict=True)
    columns = Columns(*(np.concatenate(column, dtype=np.int64) for column in together))
    events = _in_order(columns, sizes)
    firsts = np.cumsum(sizes) - sizes
    gaps = _gaps(events, heads := firsts[sizes > 0])
    is_break = gaps >= _SHORT
    is_break[heads] = True
    breaks = np.flatnonzero(is_break)
    runs = _runs(events, gaps, breaks, dict(zip(firsts.tolist(), statuses, strict=True)))
    bounds = [*np.searchsorted(breaks, firsts).tolist(), len(runs)]
    return [b"".join(runs[first:end]) for first, end in pairwise(bounds)]


def _in_order(notes: Columns, sizes: Ints) -> Ints:
    """All note events by track and tick; at one tick the offs by pitch, then the ons by pitch."""
    events = np.concatenate([notes.start, notes.end])
    if np.maximum.reduce(events) > LAST_TICK:
        raise OverflowError(f"A tick is beyond {LAST_TICK}.")
    events <<= _TICK_SHIFT
    of_notes = np.repeat(np.arange(len(sizes), dtype=np.int64) << _TRACK_SHIFT, sizes // 2)
    of_notes |= notes.pitch << _PITCH_SHIFT
    ons, offs = events[: len(of_notes)], events[len(of_notes) :]
    ons |= of_notes
    ons |= notes.velocity
    ons |= _ON
    offs |= of_notes
    events.sort(kind="stable")  # this kind makes use of it that ons are in order, and offs almost
    return events


def _gaps(events: Ints, firsts: Ints) -> Gaps:
    """The ticks from each event to the next of its track; the first event's from the beginning."""
    ticks = (events >> _TICK_SHIFT).astype(np.uint32)  # and of the track four bits, which cancel out
    gaps = np.empty_like(ticks)
    np.subtract(ticks[1:], ticks[:-1], out=gaps[1:])
    gaps[firsts] = ticks[firsts] & LAST_TICK
    return gaps


def _runs(events: Ints, gaps: Gaps, breaks: Ints, statuses: dict[int, bytes]) -> list[bytes]:
    """The bytes of each event at a break with those that follow on it up to the next."""
    words = _after_short_gaps(events, gaps)
    bounds = pairwise([*breaks.tolist(), len(events)])
    heads = zip(bounds, events[breaks].tolist(), gaps[breaks].tolist(), strict=True)
    return [
        variable_length(gap)
        + statuses.get(first, b"")
        + (event & 0x7F7F).to_bytes(2)
        + words[first + 1 : end].tobytes().translate(None, _FILLER)
        for (first, end), event, gap in heads
    ]


def _after_short_gaps(events: Ints, gaps: Gaps) -> Words:
    """Four bytes an event: the gap, in one byte after a filler or in two; the pitch and the velocity."""
    words = gaps & 0x3F80  # the higher seven bits of a gap go one bit up: twice as much
    words += gaps
    words |= 0x8000
    words <<= 16
    words |= events.astype(np.uint32) & 0x7F7F
    return words.astype(">u4")
