"""The piano roll for the terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_ingest import samples
from midi_ingest.inspection.clock import Division
from midi_ingest.inspection.reading import read
from midi_ingest.inspection.roll import roll
from midi_ingest.inspection.song import Note, Part, Song
from tests.unit.midi_ingest.inspection.files import midi, note, rendered
from workers.music import smf
from workers.music.normalize import normalize


def drawn(song: Song, width: int = 80) -> list[str]:
    return [line.plain for line in roll(song, ["green"] * len(song.parts), width)]


def dots(lines: list[str]) -> int:
    return sum((ord(c) - 0x2800).bit_count() for line in lines for c in line if 0x2800 < ord(c) < 0x2900)


def test_a_small_song_is_drawn_like_this() -> None:
    steps = (60, 62, 64, 65, 67, 69, 71, 72)
    scale = [(n / 2, n / 2 + 0.5, pitch, 100) for n, pitch in enumerate(steps)]
    song = read(rendered({"Violin": scale, "Cello": [(0, 2, 48, 90), (2, 4, 43, 90)]}))
    assert drawn(song, 50) == GOLDEN


GOLDEN = [
    " C5 ┤                                       ⣀⣀⣀⣀⣀⡀",
    "    │                            ⠤⠤⠤⠤⠤⠌⠉⠉⠉⠉⠉",
    "    │           ⣀⣀⣀⣀⣀⡠⠤⠤⠤⠤⠤⠈⠉⠉⠉⠉⠁",
    " C4 ┤⣀⣀⣀⣀⣀⠐⠒⠒⠒⠒⠂",
    "    │",
    "    │",
    " C3 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀",
    "    │",
    "    │                      ⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠁",
    " C2 ┤",
    "    └┬──────────┬──────────┬──────────┬───────────",
    "     0 s        1 s        2 s        3 s",
]


def test_nothing_is_drawn_of_a_song_without_notes() -> None:
    assert drawn(read(midi(b""))) == []


def test_a_single_note_is_seen_however_short() -> None:
    lines = drawn(read(midi(note(60, 1))))
    assert dots(lines) == 1
    assert lines[2] == " C4 ┤⡀"
    assert "0 s" in lines[-1]
    assert "0.8 s" in lines[-1]


def test_repeated_notes_are_seen_as_such() -> None:
    lines = drawn(read(midi(note(60) * 4)), 45)
    assert lines[2] == " C4 ┤" + "⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀" * 4


def test_all_pitches_fit_into_few_lines() -> None:
    song = read(midi(b"".join(note(pitch) for pitch in range(128))))
    lines = drawn(song)
    assert len(lines) == 18
    assert [line[:3].strip() for line in lines if "┤" in line] == ["C9", "C7", "C5", "C3", "C1", "C-1"]


SONGS = [read(smf.render(normalize(samples.song("t", 50, seed), "t"))) for seed in range(4)]


@given(width=st.integers(0, 200), seed=st.integers(0, 3))
def test_no_line_is_wider_than_the_terminal(width: int, seed: int) -> None:
    lines = drawn(SONGS[seed], width)
    assert max(map(len, lines)) <= max(width, 25)
    assert dots(lines) > 0


def test_a_character_has_the_style_of_the_part_with_most_dots_in_it() -> None:
    song = read(midi(note(60, 960) + note(64, 960, channel=2), note(61, 480), note(70, 1920, delta=960)))
    line = next(line for line in roll(song, ["red", "blue", "green", "white"], 45) if " C4 ┤" in line.plain)
    styles = {span.style for span in line.spans if span.style}
    assert styles == {"red"}


def test_very_many_long_notes_on_a_wide_terminal_are_drawn_as_one_is() -> None:
    """Dot by dot and note by note it would take minutes."""
    long = Note(0, 10, 60, 64)
    one, many = (
        Song(1, Division(480), [], 10, 1, [Part(0, "", 1, [0], notes)], [])
        for notes in ([long], [long] * 100_000)
    )
    assert drawn(many, 1000) == drawn(one, 1000)


@pytest.mark.parametrize("end", [0.001, 59, 3600, 86_400 * 30, 1e9])
def test_songs_of_any_length_have_times_that_do_not_touch(end: float) -> None:
    part = Part(0, "", 1, [0], [Note(0, end, 60, 64)])
    *_, times = drawn(Song(1, Division(480), [], end, 1, [part], []))
    marks = re.split(r"(?<!^) +(?!s)", times.strip())
    assert 2 <= len(marks) <= 8
    assert all(re.fullmatch(r"[\d.]+ s|\d{1,3}(,\d{3})*(:\d\d){1,2}", mark) for mark in marks)
