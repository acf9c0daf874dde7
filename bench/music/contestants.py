"""Who writes a song as a file: mido and symusic as one would use them, and ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final

import mido
import numpy as np
import orjson
import symusic

from bench.music.song import TASK_ID, Part, Song
from schemas.score import Score
from workers.music import normalize, smf
from workers.music.columns.song import read_song
from workers.music.names import GENERAL_MIDI
from workers.music.repairs import Repairs

Writer = Callable[[Song], bytes]

_TICKS_PER_SECOND: Final = 960
NEVER: Final = 1 << 60
"""More bytes and notes than there are."""


def mido_from_arrays(song: Song) -> bytes:
    """As one would write it: each part's messages, sorted, with the gaps between them."""
    rows = ((part, zip(*(column.tolist() for column in part[2:]), strict=True)) for part in song.parts)
    return _mido((part.name, part.sound.program, part.sound.drums, notes) for part, notes in rows)


def symusic_from_arrays(song: Song) -> bytes:
    """The C++ library: notes from arrays, which it takes in ticks."""
    score: Any = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, 120.0))
    score.time_signatures.append(symusic.TimeSignature(0, 4, 4))
    for part in song.parts:
        track: Any = symusic.Track(part.name, part.sound.program, part.sound.drums)
        track.notes = _symusic_notes(part)
        score.tracks.append(track)
    return bytes(score.dumps_midi())


def ours_from_arrays(song: Song) -> bytes:
    """Ours: all rules, the score, the file."""
    repairs = Repairs()
    instruments, duration = read_song(song.columns, GENERAL_MIDI, repairs)
    return smf.render(
        Score(task_id=TASK_ID, duration=duration, warnings=repairs.warnings(), instruments=instruments)
    )


def mido_from_body(song: Song) -> bytes:
    """As one would write it: no rule but that numbers may be strings."""
    instruments = orjson.loads(song.body)["data"]["instruments"]
    sounds = [GENERAL_MIDI.sound(instrument["name"]) for instrument in instruments]
    return _mido(
        (instrument["name"], sound.program, sound.drums, map(_row, instrument["notes"]))
        for instrument, sound in zip(instruments, sounds, strict=True)
        if sound
    )


def ours_from_body(song: Song) -> bytes:
    """Ours: what the workers do, but for Kafka."""
    return smf.render(normalize.normalize(song.body, TASK_ID))


def note_by_note_from_body(song: Song) -> bytes:
    """Ours in plain Python, whatever the song's length."""
    borders = normalize.COLUMNS_FROM_BYTES, smf.COLUMNS_FROM_NOTES
    set_borders(NEVER, NEVER)
    try:
        return ours_from_body(song)
    finally:
        set_borders(*borders)


def set_borders(from_bytes: int, from_notes: int) -> None:
    """Set from where on columns are used: of short songs, `mock.patch` would take longer than the song."""
    vars(normalize)["COLUMNS_FROM_BYTES"] = from_bytes
    vars(smf)["COLUMNS_FROM_NOTES"] = from_notes


def _mido(parts: Iterable[tuple[str, int, bool, Iterable[tuple[float, ...]]]]) -> bytes:
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=500_000))
    head.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    file.tracks.append(head)
    for number, (name, program, drums, notes) in enumerate(parts):
        file.tracks.append(_mido_track(name, program, 9 if drums else number, notes))
    saved = BytesIO()
    file.save(file=saved)
    return saved.getvalue()


def _mido_track(name: str, program: int, channel: int, notes: Iterable[tuple[float, ...]]) -> mido.MidiTrack:
    events = []
    for pitch, start, end, velocity in notes:
        events.append((round(start * _TICKS_PER_SECOND), 1, int(pitch), int(velocity * 127 + 0.5)))
        events.append((round(end * _TICKS_PER_SECOND), 0, int(pitch), 0))
    events.sort()
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=name))
    track.append(mido.Message("program_change", channel=channel, program=program))
    clock = 0
    for tick, on, pitch, velocity in events:
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - clock))
        clock = tick
    return track


def _symusic_notes(part: Part) -> Any:
    start = np.rint(part.start * _TICKS_PER_SECOND).astype(np.int32)
    end = np.rint(part.end * _TICKS_PER_SECOND).astype(np.int32)
    velocity = (part.velocity * 127 + 0.5).astype(np.int8)
    return symusic.Note.from_numpy(start, end - start, part.pitch.astype(np.int8), velocity)


def _row(note: dict[str, Any]) -> tuple[float, ...]:
    return note["pitch"], float(note["start"]), float(note["end"]), note["velocity"]
