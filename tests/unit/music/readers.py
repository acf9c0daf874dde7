"""What other readers find in a file, in Python: mido and symusic."""

from __future__ import annotations

from io import BytesIO

import mido
import symusic

from tests.heard import Heard, Track


def by_mido(file: bytes) -> list[Track]:
    """The tracks after the first as mido reads them; fails where a note hangs or begins while it sounds."""
    return [_from_mido(track) for track in mido.MidiFile(file=BytesIO(file), charset="utf-8").tracks[1:]]


def _from_mido(track: mido.MidiTrack) -> Track:
    notes = []
    sounding: dict[int, tuple[int, int]] = {}
    tick, channel, program = 0, None, None
    for message in track:
        tick += message.time
        if message.type == "program_change":
            channel, program = message.channel + 1, message.program
        elif message.type == "note_on" and message.velocity > 0:
            assert message.note not in sounding
            sounding[message.note] = (tick, message.velocity)
        elif message.type == "note_on":
            start, velocity = sounding.pop(message.note)
            notes.append(Heard(message.channel + 1, start, tick, message.note, velocity))
        else:
            assert message.is_meta
    assert not sounding
    return Track(track.name, channel, program, sorted(notes))


def by_symusic(file: bytes) -> list[Track]:
    """The tracks that symusic keeps: those with notes. Of channels it tells drums (10) from others (1)."""
    return [_from_symusic(track) for track in symusic.core.ScoreTick.from_midi(file).tracks]


def _from_symusic(track: symusic.core.TrackTick) -> Track:
    channel = 10 if track.is_drum else 1
    notes = [
        Heard(channel, note.time, note.time + note.duration, note.pitch, note.velocity)
        for note in track.notes
    ]
    return Track(track.name, channel, track.program, sorted(notes))


def as_symusic_hears(tracks: list[Track]) -> list[Track]:
    """Of a song's tracks, what symusic keeps."""
    return [
        Track(track.name, channel, track.program, [note._replace(channel=channel) for note in track.notes])
        for track in tracks
        if track.notes
        for channel in [10 if track.channel == 10 else 1]
    ]
