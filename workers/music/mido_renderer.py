"""The reference renderer: the same file as `smf` writes, made with mido."""

from __future__ import annotations

from io import BytesIO
from threading import Lock

import mido

from schemas.score import Score
from workers.music.tracks import MICROSECONDS_PER_QUARTER, TICKS_PER_QUARTER, Track, track_name, tracks

_one_at_a_time = Lock()
"""While mido writes a file, that file's charset is a global of its module."""


def render(score: Score) -> bytes:
    """The score's file."""
    song = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    song.tracks = [_tempo_track(score.task_id), *(_track(track) for track in tracks(score))]
    file = BytesIO()
    with _one_at_a_time:
        song.save(file=file)
    return file.getvalue()


def _tempo_track(task_id: str) -> mido.MidiTrack:
    return mido.MidiTrack(
        [
            mido.MetaMessage("track_name", name=track_name(task_id)),
            mido.MetaMessage("set_tempo", tempo=MICROSECONDS_PER_QUARTER),
            mido.MetaMessage("time_signature", numerator=4, denominator=4),
        ]
    )


def _track(track: Track) -> mido.MidiTrack:
    messages = mido.MidiTrack([mido.MetaMessage("track_name", name=track.name)])
    if track.channel is not None:
        channel = track.channel - 1
        messages.append(mido.Message("program_change", channel=channel, program=track.program))
        messages.extend(_note_messages(track, channel))
    return messages


def _note_messages(track: Track, channel: int) -> list[mido.Message]:
    """Note-ons, and note-offs as ons of velocity 0; at one tick the offs by pitch, then the ons by pitch."""
    offs = [(note.end, False, note.pitch, 0) for notes in track.notes for note in notes]
    ons = [(note.start, True, note.pitch, note.velocity) for notes in track.notes for note in notes]
    messages = []
    clock = 0
    for tick, _, pitch, velocity in sorted(offs + ons):
        message = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=tick - clock)
        messages.append(message)
        clock = tick
    return messages
