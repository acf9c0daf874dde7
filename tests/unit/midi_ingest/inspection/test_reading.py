"""What is read of a MIDI file, whoever wrote it."""

from __future__ import annotations

import io
from contextlib import suppress

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_ingest import samples
from midi_ingest.inspection.clock import Division, Tempo
from midi_ingest.inspection.errors import Damaged, TooLarge, Unreadable
from midi_ingest.inspection.events import count_events
from midi_ingest.inspection.reading import MAX_EVENTS, read
from midi_ingest.inspection.song import Note, Song
from schemas.dialects.depth import MAX_CONTAINERS
from tests.unit.midi_ingest.inspection.files import END, at, chunk, midi, named, note, rendered
from workers.music import mido_renderer, smf
from workers.music.body import MAX_INSTRUMENTS
from workers.music.normalize import normalize
from workers.music.variable_length import variable_length


def notes(song: Song) -> list[list[Note]]:
    return [list(part.notes) for part in song.parts]


def test_our_own_file_is_read_as_it_was_meant() -> None:
    song = read(
        rendered({"Für Elise": [], "Violin": [(0.5, 1.25, 60, 100)], "Drums": [(0, 2, 38, 1)]}, "tåsk")
    )
    assert (song.type, song.division, song.tempos) == (1, Division(480), [Tempo(0, 500_000)])
    assert (song.title, song.seconds, song.track_count, song.note_count) == ("tåsk", 2.0, 4, 2)
    assert [(part.track, part.name, part.channel, part.instrument) for part in song.parts] == [
        (0, "tåsk", None, ""),
        (1, "Für Elise", None, ""),
        (2, "Violin", 1, "Violin"),
        (3, "Drums", 10, "drums"),
    ]
    assert notes(song) == [[], [], [Note(0.5, 1.25, 60, 100)], [Note(0, 2, 38, 1)]]
    assert not song.remarks


def test_every_note_of_a_generated_song_is_read_from_both_renderers() -> None:
    score = normalize(samples.song("t", 300), "t")
    written = [
        [Note(start / 960, end / 960, pitch, velocity) for start, end, pitch, velocity in instrument.notes]
        for instrument in score.instruments
    ]
    for render in (smf.render, mido_renderer.render):
        assert notes(read(render(score)))[1:] == written


def test_a_track_of_several_channels_has_a_part_for_each() -> None:
    song = read(midi(at(0, "c105") + note(60, channel=2) + note(40, channel=10) + note(64), kind=0))
    assert [(part.track, part.channel, part.instrument) for part in song.parts] == [
        (0, 1, "Acoustic Grand Piano"),
        (0, 2, "Electric Piano 2"),
        (0, 10, "drums"),
    ]


def test_a_part_has_the_programs_its_notes_are_played_with_also_from_another_track() -> None:
    setup = at(0, "c028") + at(480, "c038") + at(480, "c049")
    song = read(midi(setup, note(60, 480) + note(62, 480)))
    assert [part.programs for part in song.parts] == [[0x28, 0x38, 0x49], [0x28, 0x38]]


def test_seconds_follow_every_change_of_the_tempo_in_whatever_track() -> None:
    tempos = at(0, "ff51030f4240") + at(960, "ff51030927c0")  # 1 s a quarter note, then 0.6
    song = read(midi(tempos, note(60, 1440)))
    assert [(tempo.second, tempo.bpm) for tempo in song.tempos] == [(0, 60), (2, 100)]
    assert notes(song)[1] == [Note(0, 2.6, 60, 64)]
    assert song.seconds == 2.6


def test_a_quarter_note_may_take_no_time() -> None:
    song = read(midi(at(0, "ff5103000000") + note(60, 1440)))
    assert song.tempos[0].bpm is None
    assert notes(song) == [[Note(0, 0, 60, 64)]]


@pytest.mark.parametrize(
    ("division", "second_ticks"),
    [(0xE728, 1000), (0xE250, 2400), (0xE804, 96), (0xE364, 100 * 30_000 / 1001)],
)
def test_ticks_may_be_parts_of_a_frame(division: int, second_ticks: float) -> None:
    song = read(midi(at(0, "ff51030f4240") + note(60, 12_000), division=division))
    assert song.tempos == []
    assert notes(song)[0][0].end == pytest.approx(12_000 / second_ticks)


def test_tracks_of_type_2_keep_times_and_programs_of_their_own() -> None:
    song = read(midi(at(0, "ff51030f4240") + at(0, "c028") + note(60), note(60), kind=2))
    assert [part.notes[0].end for part in song.parts] == [1, 0.5]
    assert [part.programs for part in song.parts] == [[0x28], [0]]
    assert "song of its own" in song.remarks[0]


def test_running_status_and_note_ons_without_velocity_are_read() -> None:
    song = read(midi(at(0, "903c40") + at(480, "3c00") + at(0, "3e40") + at(480, "3e00")))
    assert notes(song) == [[Note(0, 0.5, 60, 64), Note(0.5, 1, 62, 64)]]


def test_a_note_off_ends_the_oldest_note_of_its_pitch_and_one_for_nothing_ends_none() -> None:
    song = read(midi(at(0, "803c00") + at(0, "903c40") + at(480, "3c50") + at(480, "3c00") + at(480, "3c00")))
    assert notes(song) == [[Note(0, 1, 60, 64), Note(0.5, 1.5, 60, 80)]]


def test_notes_that_never_end_last_until_the_track_does_and_are_told() -> None:
    song = read(midi(note(40), at(0, "903c40") + at(0, "3e40") + at(0, "3e40") + at(960, "b04000")))
    assert [note.end for note in notes(song)[1]] == [1, 1, 1]
    assert song.remarks == ["Track 1: 3 notes without an end, drawn until the track's."]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("日本語".encode(), "日本語"),
        ("Größe".encode("latin-1"), "Größe"),
        (b"", ""),
        (b"\xff\xfe\x00", "ÿþ\x00"),
    ],
)
def test_names_are_utf_8_or_else_latin_1(written: bytes, name: str) -> None:
    song = read(midi(named(written) + named(b"not the first")))
    assert song.title == name


@pytest.mark.parametrize("meta", ["ff0a02aabb", "ff600100", "ff590209ff", "ff5405e0ffffffff", "ffcc00"])
def test_meta_events_that_mido_misreads_or_refuses_cost_no_time_and_no_note(meta: str) -> None:
    song = read(midi(at(480, meta) + note(60)))
    assert notes(song) == [[Note(0.5, 1, 60, 64)]]


def test_data_of_other_makers_above_127_is_read_and_told() -> None:
    song = read(midi(at(0, "f7 03 f3 01 f7".replace(" ", "")) + note(60)))
    assert song.note_count == 1
    assert song.remarks == ["Track 0: data above 127 was read as 127."]


def test_chunks_of_unknown_kinds_and_what_follows_the_last_one_are_skipped_and_told() -> None:
    file = midi(note(60)) + chunk(b"XFIH", b"abc") + chunk(b"MTrk", note(62) + END) + b"XFKM\0\0\1\0tail"
    song = read(file)
    assert song.note_count == 2
    assert song.remarks == [
        "The header promises 1 tracks; there are 2.",
        "Chunks that are no tracks were skipped: 1.",
        "What comes after the last chunk was skipped: 12 bytes.",
    ]


def test_a_file_without_tracks_is_a_song_without_notes() -> None:
    song = read(midi())
    assert (song.note_count, song.seconds, song.parts, song.title) == (0, 0, [], "")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"RIFF\0\0\0\0RMID", "is no MIDI file: it begins with b'RIFF' instead of b'MThd'"),
        (b"MThd\0\0", "is damaged: its header is cut off"),
        (midi()[:12], "is damaged: the chunk at byte 0 is cut off: 2 of its 6 bytes are missing"),
        (chunk(b"MThd", b"\0\1"), "is damaged: its header is too short"),
        (midi(kind=3), "is damaged: it says that it is of type 3, but only 0, 1 and 2 are known"),
        (midi(division=0), "is damaged: its header says that nothing is a tick"),
        (midi(division=0xE700), "is damaged: its header says that nothing is a tick"),
        (midi(b"", promised=2), "is damaged: its header promises 2 tracks, but there are 1"),
        (midi(b"")[:-1], "is damaged: the chunk at byte 14 is cut off: 1 of its 4 bytes are missing"),
        (midi(b"", at(0, "f0067f")), "is damaged: track 1, from byte 26 on: it ends within an event"),
        (midi(at(0, "3c40")), "is damaged: track 0, from byte 14 on: running status without last_status"),
        (midi(at(0, "903cff")), "is damaged: track 0, from byte 14 on: data byte must be in range 0..127"),
        (midi(at(0, "f4")), "is damaged: track 0, from byte 14 on: undefined status byte 0xf4"),
        (
            midi(at(0, "ff510107")),
            "is damaged: track 0, from byte 14 on: an event is shorter than it must be",
        ),
        (midi(at(0, "ff01") + b"\xff\xff\x7f" + b"a" * 2), "track 0, from byte 14 on"),
        (
            midi(b"\x81\x80\x80\x80\x00\xc0\x00"),
            "track 0, from byte 14 on: a number in it is longer than 4 bytes",
        ),
        (midi(b"\x80" * 100_000 + b"\x00\xc0\x00"), "a number in it is longer than 4 bytes"),
        (
            midi(note(60), at(0, "ff01") + b"\x80" * 4 + b"\x00"),
            "track 1, from byte 35 on: a number in it is longer",
        ),
        (midi(at(0, "f0") + b"\x80" * 4 + b"\x00"), "a number in it is longer than 4 bytes"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert told in str(refused.value)


def test_text_and_data_may_have_any_bytes_of_any_length() -> None:
    text = at(0, "ff01") + variable_length(2100) + "樂".encode() * 700
    data = at(0, "f7") + variable_length(3000) + b"\xff" * 3000
    assert read(midi(text + data + note(60, (1 << 28) - 1))).note_count == 1


def test_tempos_of_several_tracks_count_in_the_order_of_their_ticks() -> None:
    late, early = at(1440, "ff51030f4240"), at(480, "ff5103030d40") + at(480, "ff510307a120")
    song = read(midi(late, early, note(60, 1920)))
    assert [tempo.microseconds for tempo in song.tempos] == [500_000, 200_000, 500_000, 1_000_000]
    assert [tempo.second for tempo in song.tempos] == pytest.approx([0, 0.5, 0.7, 1.2])
    assert notes(song)[2][0].end == pytest.approx(2.2)


def test_as_many_events_are_read_as_our_largest_song_has() -> None:
    instrument_events, note_events = 4, 2
    assert MAX_CONTAINERS * note_events + (MAX_INSTRUMENTS + 1) * instrument_events <= MAX_EVENTS


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (midi(at(0, "900000") + b"\0" * 3 * (MAX_EVENTS - 1)), "has 530,001 events; inspect reads 530,000 at most"),
        (midi(at(0, "ff01bd8441") + b"a" * 1_000_001), "has an event of 1,000,001 bytes; inspect reads 1,000,000"),
        (midi(*[b""] * 16_385), "has 16,385 tracks; inspect reads 16,384 at most"),
        (midi(*[at(0, "c000") + at(0, "c100")] * 8_193), "has 16,386 parts, of a track and a channel each"),
    ],
)  # fmt: skip
def test_more_than_can_be_shown_is_refused_before_it_takes_memory(data: bytes, told: str) -> None:
    with pytest.raises(TooLarge) as refused:
        read(data)
    assert told in str(refused.value)


def test_a_very_long_name_is_cut() -> None:
    assert read(midi(named(b"a" * 5000))).title == "a" * 1000


EVENTS = st.sampled_from(
    [note(60), note(40, channel=10), at(0, "903c40"), at(5, "3c00"), at(0, "c0ff"), at(1, "ff51030f4240"),
     at(0, "ff0301"), at(9, "f0017f"), at(0, "ff5902"), at(3, "ff5802"), END, b"\xff", b"\x00"]
)  # fmt: skip


@given(
    st.lists(
        EVENTS | st.sampled_from([at(2, "f10203"), at(2, "f6"), at(1, "e00102")]) | st.binary(max_size=8)
    ).map(b"".join)
)
def test_events_are_counted_as_mido_reads_them(track: bytes) -> None:
    content = io.BytesIO(midi(track)[:14] + chunk(b"MTrk", track))
    try:
        events = len(mido.MidiFile(file=content).tracks[0])
    except (EOFError, OSError, ValueError, LookupError):
        return
    with suppress(ValueError):
        assert count_events(track) == events


@given(
    kind=st.integers(0, 3),
    division=st.sampled_from([480, 1, 0x7FFF, 0xE728, 0x8000, 0xFFFF]),
    tracks=st.lists(st.lists(EVENTS | st.binary(max_size=8)).map(b"".join), max_size=3),
    tail=st.binary(max_size=12),
)
def test_whatever_follows_a_header_is_read_or_told_to_be_damaged(
    kind: int, division: int, tracks: list[bytes], tail: bytes
) -> None:
    try:
        song = read(midi(*tracks, kind=kind, division=division) + tail)
    except Damaged:
        return
    for part in song.parts:
        assert list(part.notes) == sorted(part.notes)
        assert all(0 <= note.start <= note.end <= song.seconds for note in part.notes)
