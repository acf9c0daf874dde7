"""Both renderers write the score that `normalize` gives, as mido reads it."""

from __future__ import annotations

import json
from io import BytesIO

import mido
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.score import Instrument, Note, Score
from workers.music import mido_renderer, smf
from workers.music.normalize import normalize

NAMES = st.sampled_from(
    [
        "Drums",
        "Percussion",
        "Violin",
        "Viola",
        "Cello",
        "Piano",
        "Organ",
        "Guitar",
        "Bass",
        "Choir",
        "Tuba",
        "Oboe",
        "Flute",
        "Lead 1 (square)",
        "Pad 2 (warm)",
        "FX 1 (rain)",
        "Koto",
        "Agogo",
        "Gunshot",
        "Celesta",
        "鋼琴",
    ]
)
NOTES = st.builds(
    lambda pitch, start, steps, velocity: {
        "pitch": pitch,
        "start": start / 192,
        "end": (start + steps) / 192,
        "velocity": velocity / 127,
    },
    st.integers(0, 127) | st.integers(60, 62),
    st.integers(0, 20) | st.integers(0, 86400 * 192 - 100),
    st.integers(0, 10),
    st.integers(1, 127),
)
INSTRUMENTS = st.fixed_dictionaries({"name": NAMES, "notes": st.lists(NOTES, max_size=6)})
SCORES = st.lists(INSTRUMENTS, max_size=30).map(
    lambda instruments: normalize(json.dumps({"data": {"instruments": instruments}}).encode(), "任务")
)


def read(file: bytes) -> mido.MidiFile:
    return mido.MidiFile(file=BytesIO(file), charset="utf-8")


def heard(track: mido.MidiTrack) -> list[tuple[int, int, Note]]:
    """The channel, program and note of each note in a track; fails where one hangs or starts twice."""
    notes: list[tuple[int, int, Note]] = []
    sounding: dict[int, tuple[int, int]] = {}
    tick = program = 0
    for message in track:
        tick += message.time
        if message.type == "program_change":
            program = message.program
        elif message.type == "note_on" and message.velocity > 0:
            assert message.note not in sounding
            sounding[message.note] = (tick, message.velocity)
        elif message.type == "note_on":
            start, velocity = sounding.pop(message.note)
            notes.append((message.channel + 1, program, Note(start, tick, message.note, velocity)))
        else:
            assert message.is_meta
    assert not sounding
    return sorted(notes)


def written(members: list[Instrument]) -> list[tuple[int | None, int, Note]]:
    return sorted((member.channel, member.program, note) for member in members for note in member.notes)


@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_mido_reads_back_the_same_notes_from_every_track(score: Score) -> None:
    file = read(smf.render(score))
    assert (file.type, file.ticks_per_beat, file.tracks[0].name) == (1, 480, "任务")
    count = max((instrument.track for instrument in score.instruments), default=0)
    assert len(file.tracks) == 1 + count
    for index, track in enumerate(file.tracks[1:], start=1):
        members = [instrument for instrument in score.instruments if instrument.track == index]
        assert heard(track) == written(members)
        assert track.name == " + ".join(member.name for member in members).encode()[:255].decode(
            errors="ignore"
        )


@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_both_renderers_write_the_same_messages(score: Score) -> None:
    fast, reference = read(smf.render(score)), read(mido_renderer.render(score))
    assert fast.tracks == reference.tracks
    assert (fast.type, fast.ticks_per_beat) == (reference.type, reference.ticks_per_beat)


@settings(max_examples=20, deadline=None)
@given(SCORES)
def test_a_score_read_back_from_its_record_gives_the_same_bytes(score: Score) -> None:
    assert smf.render(Score.decode(score.encode())) == smf.render(score)
