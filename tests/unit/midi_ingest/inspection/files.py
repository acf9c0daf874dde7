"""MIDI files: written by hand, byte for byte, and rendered from songs."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from schemas.score import Instrument, Note, Score
from workers.music import smf
from workers.music.names import GENERAL_MIDI, Sound
from workers.music.variable_length import variable_length

END = b"\x00\xff\x2f\x00"


def midi(*tracks: bytes, kind: int = 1, division: int = 480, promised: int | None = None) -> bytes:
    """A file of these tracks' events; each gets its end."""
    count = len(tracks) if promised is None else promised
    header = struct.pack(">4sIHHH", b"MThd", 6, kind, count, division)
    return header + b"".join(chunk(b"MTrk", events + END) for events in tracks)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">4sI", kind, len(content)) + content


def at(delta: int, event: str) -> bytes:
    """An event in hex, so many ticks after the one before."""
    return variable_length(delta) + bytes.fromhex(event)


def note(pitch: int, ticks: int = 480, *, delta: int = 0, channel: int = 1, velocity: int = 64) -> bytes:
    """A note-on, and its note-off some ticks later."""
    on = bytes((0x90 | channel - 1, pitch, velocity))
    off = bytes((0x80 | channel - 1, pitch, 0))
    return variable_length(delta) + on + variable_length(ticks) + off


def named(name: bytes) -> bytes:
    return b"\x00\xff\x03" + variable_length(len(name)) + name


def rendered(parts: Mapping[str, Sequence[tuple[float, float, int, int]]], task_id: str = "t1") -> bytes:
    """Our own file of instruments and their notes: start and end in seconds, pitch, velocity."""
    instruments = []
    melodic = iter((*range(1, 10), *range(11, 17)))
    for track, (name, notes) in enumerate(parts.items(), 1):
        sound = GENERAL_MIDI.sound(name) or Sound(0)
        channel = (10 if sound.drums else next(melodic)) if notes else None
        ticks = [Note(round(start * 960), round(end * 960), pitch, v) for start, end, pitch, v in notes]
        instruments.append(Instrument(name, sound.program, sound.drums, channel, track, ticks))
    return smf.render(Score(task_id=task_id, duration=0, warnings=[], instruments=instruments))
