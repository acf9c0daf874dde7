"""The fast renderer: a score becomes a Standard MIDI File, type 1 (Standard MIDI Files 1.0, RP-001)."""

from __future__ import annotations

import struct
from typing import Final

from schemas.score import Note, Score
from workers.music.tracks import MICROSECONDS_PER_QUARTER, TICKS_PER_QUARTER, Track, track_name, tracks

_NAME: Final = b"\xff\x03"
_TEMPO: Final = b"\xff\x51\x03" + MICROSECONDS_PER_QUARTER.to_bytes(3)
_TIME_4_4: Final = b"\xff\x58\x04\x04\x02\x18\x08"
_END_OF_TRACK: Final = b"\x00\xff\x2f\x00"
_NOTE_ON: Final = 0x90
_PROGRAM_CHANGE: Final = 0xC0

# A note event is one integer, so that sorting is fast: its tick, a bit that is set in an on, seven bits of
# pitch and seven of velocity.
_DATA_BITS: Final = 14
_ON: Final = 1 << _DATA_BITS
_TICK_BITS: Final = _DATA_BITS + 1


def render(score: Score) -> bytes:
    """The score's file; the same score gives the same bytes, always."""
    tempo_track = _name(track_name(score.task_id)) + b"\x00" + _TEMPO + b"\x00" + _TIME_4_4
    chunks = [_chunk(tempo_track), *(_chunk(_events(track)) for track in tracks(score))]
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), TICKS_PER_QUARTER)
    return b"".join([header, *chunks])


def _chunk(events: bytes | bytearray) -> bytes:
    return struct.pack(">4sI", b"MTrk", len(events) + len(_END_OF_TRACK)) + events + _END_OF_TRACK


def _events(track: Track) -> bytearray:
    events = bytearray(_name(track.name))
    if track.channel is not None:
        wire_channel = track.channel - 1
        events += bytes((0, _PROGRAM_CHANGE | wire_channel, track.program))
        _append_notes(events, track.notes, bytes((_NOTE_ON | wire_channel,)))
    return events


def _name(name: str) -> bytes:
    text = name.encode()
    return b"\x00" + _NAME + _variable_length(len(text)) + text


def _append_notes(events: bytearray, notes: list[Note], status: bytes) -> None:
    """Note-ons, and note-offs as ons of velocity 0, so that running status says the status once."""
    clock = 0
    for event in _in_order(notes):
        tick = event >> _TICK_BITS
        delta = tick - clock
        clock = tick
        events += _DELTAS[delta] if delta < len(_DELTAS) else _variable_length(delta)
        events += status
        events += _DATA[event & (_ON - 1)]
        status = b""


def _in_order(notes: list[Note]) -> list[int]:
    """All note events by tick; at one tick the offs by pitch, then the ons by pitch."""
    events = [start << _TICK_BITS | _ON | pitch << 7 | velocity for start, _, pitch, velocity in notes]
    events += [end << _TICK_BITS | pitch << 7 for _, end, pitch, _ in notes]
    events.sort()
    return events


def _variable_length(value: int) -> bytes:
    """A quantity in groups of seven bits, the highest first; all but the last byte have their top bit set."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


_DELTAS: Final = tuple(_variable_length(delta) for delta in range(2048))
_DATA: Final = tuple(bytes((data >> 7, data & 0x7F)) for data in range(_ON))
