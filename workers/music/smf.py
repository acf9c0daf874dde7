"""The fast renderer: a score becomes a Standard MIDI File, type 1 (Standard MIDI Files 1.0, RP-001)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import chain
from operator import add
from typing import Final

from schemas.score import LAST_TICK, Note, Score
from workers.music.tracks import MICROSECONDS_PER_QUARTER, TICKS_PER_QUARTER, Track, track_name, tracks
from workers.music.variable_length import variable_length

_NAME: Final = b"\xff\x03"
_TEMPO: Final = b"\xff\x51\x03" + MICROSECONDS_PER_QUARTER.to_bytes(3)
_TIME_4_4: Final = b"\xff\x58\x04\x04\x02\x18\x08"
_END_OF_TRACK: Final = b"\x00\xff\x2f\x00"
_NOTE_ON: Final = 0x90
_PROGRAM_CHANGE: Final = 0xC0

COLUMNS_FROM_NOTES: Final = 180
"""From so many on, columns are faster than going note by note (docs/decisions/0018)."""

# A note event is one integer, so that sorting is fast: its tick, a bit that is set in an on, seven bits of
# pitch and seven of velocity.
_DATA_BITS: Final = 14
_ON: Final = 1 << _DATA_BITS
_TICK_BITS: Final = _DATA_BITS + 1


def render(score: Score) -> bytes:
    """The score's file; the same score gives the same bytes, always.

    Raises:
        OverflowError: a tick is beyond `LAST_TICK`, as in no score that was read or written as a record.
    """
    tempo_track = _name(track_name(score.task_id)) + b"\x00" + _TEMPO + b"\x00" + _TIME_4_4
    listed = tracks(score)
    chunks = [_chunk(tempo_track), *map(_chunk, map(add, map(_head, listed), _note_events(listed)))]
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), TICKS_PER_QUARTER)
    return b"".join([header, *chunks])


def _chunk(events: bytes) -> bytes:
    return struct.pack(">4sI", b"MTrk", len(events) + len(_END_OF_TRACK)) + events + _END_OF_TRACK


def _head(track: Track) -> bytes:
    name = _name(track.name)
    if track.channel is None:
        return name
    return name + bytes((0, _PROGRAM_CHANGE | track.channel - 1, track.program))


def _name(name: str) -> bytes:
    text = name.encode()
    return b"\x00" + _NAME + variable_length(len(text)) + text


def _note_events(listed: list[Track]) -> list[bytes]:
    """The note events of each track: of many notes by columns, of few one by one."""
    if sum(len(notes) for track in listed for notes in track.notes) >= COLUMNS_FROM_NOTES:
        from workers.music.columns.events import note_events  # noqa: PLC0415 - only where there are so many

        return note_events([track.notes for track in listed], [_status(track) for track in listed])
    return [_one_by_one(track) for track in listed]


def _status(track: Track) -> bytes:
    return b"" if track.channel is None else bytes((_NOTE_ON | track.channel - 1,))


def _one_by_one(track: Track) -> bytes:
    """Note-ons, and note-offs as ons of velocity 0, so that running status says the status once."""
    events = bytearray()
    status, clock = _status(track), 0
    for event in _in_order(chain.from_iterable(track.notes)):
        tick = event >> _TICK_BITS
        delta = tick - clock
        clock = tick
        events += _DELTAS[delta] if delta < len(_DELTAS) else variable_length(delta)
        events += status
        events += _DATA[event & (_ON - 1)]
        status = b""
    return bytes(events)


def _in_order(notes: Iterable[Note]) -> list[int]:
    """All note events by tick; at one tick the offs by pitch, then the ons by pitch."""
    events = []
    for start, end, pitch, velocity in notes:
        events.append(start << _TICK_BITS | _ON | pitch << 7 | velocity)
        events.append(end << _TICK_BITS | pitch << 7)
    events.sort()
    if events and events[-1] >> _TICK_BITS > LAST_TICK:
        raise OverflowError(f"A tick is beyond {LAST_TICK}.")
    return events


_DELTAS: Final = tuple(variable_length(delta) for delta in range(2048))
_DATA: Final = tuple(bytes((data >> 7, data & 0x7F)) for data in range(_ON))
