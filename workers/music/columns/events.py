"""From tracks to their note events in the file's bytes (Standard MIDI Files 1.0), all tracks at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.score import Note
from workers.music.columns.notes import Columns, Ints, columns_of
from workers.music.tracks import LAST_TICK
from workers.music.variable_length import variable_length

Words = npt.NDArray[np.integer]

# An event is one integer, so that sorting is fast: its track, its tick, a bit that is set in an on, seven bits
# of pitch and seven of velocity.
_DATA_BITS: Final = 14
_ON: Final = 1 << _DATA_BITS
_TICK_SHIFT: Final = _DATA_BITS + 1
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
    columns = Columns(*map(np.concatenate, zip(*chain.from_iterable(parts), strict=True)))
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
    if max(notes.start.max(), notes.end.max()) > LAST_TICK:
        raise OverflowError(f"A tick is beyond {LAST_TICK}.")
    of_notes = np.repeat(np.arange(len(sizes), dtype=np.int64) << _TRACK_SHIFT, sizes // 2)
    of_notes |= notes.pitch << 7
    events = np.concatenate([of_notes, of_notes])
    ons, offs = events[: len(of_notes)], events[len(of_notes) :]
    ons |= notes.start << _TICK_SHIFT
    ons |= notes.velocity | _ON
    offs |= notes.end << _TICK_SHIFT
    events.sort(kind="stable")  # quick with what is almost in order, as ons and offs are
    return events


def _gaps(events: Ints, firsts: Ints) -> Words:
    """The ticks from each event to the next of its track; the first event's from the beginning."""
    ticks = (events >> _TICK_SHIFT).astype(
        np.uint32
    )  # with four bits of the track, which are equal within one
    gaps = np.empty_like(ticks)
    np.subtract(ticks[1:], ticks[:-1], out=gaps[1:])
    gaps[firsts] = ticks[firsts] & LAST_TICK
    return gaps


def _runs(events: Ints, gaps: Words, breaks: Ints, statuses: dict[int, bytes]) -> list[bytes]:
    """The bytes of each event at a break with those that follow on it up to the next."""
    words = _after_short_gaps(events, gaps)
    bounds = pairwise([*breaks.tolist(), len(events)])
    heads = zip(bounds, events[breaks].tolist(), gaps[breaks].tolist(), strict=True)
    return [
        variable_length(gap)
        + statuses.get(first, b"")
        + bytes(((event >> 7) & 0x7F, event & 0x7F))
        + words[first + 1 : end].tobytes().translate(None, _FILLER)
        for (first, end), event, gap in heads
    ]


def _after_short_gaps(events: Ints, gaps: Words) -> Words:
    """Four bytes an event: the gap, in one byte after a filler or in two, the pitch and the velocity."""
    data = events.astype(np.uint32)
    words = gaps >> 7
    words |= 0x80
    words |= (gaps & 0x7F) << 8
    words |= (data & 0x3F80) << 9
    words |= data << 24 & 0x7F000000
    return words if sys.byteorder == "little" else words.byteswap()
