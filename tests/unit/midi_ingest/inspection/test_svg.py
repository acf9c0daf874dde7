"""The piano roll as a picture."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midi_ingest import samples
from midi_ingest.inspection.clock import Division
from midi_ingest.inspection.page import page_for
from midi_ingest.inspection.palette import DARK, LIGHT
from midi_ingest.inspection.reading import read
from midi_ingest.inspection.song import Note, Part, Song
from midi_ingest.inspection.svg import drawing
from tests.unit.midi_ingest.inspection.files import at, midi, named, note, rendered
from workers.music import smf
from workers.music.normalize import normalize

SVG = "{http://www.w3.org/2000/svg}"


def parsed(song: Song) -> ET.Element:
    return ET.fromstring(drawing(song, "song.mid"))  # noqa: S314 - made by us


def texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def lines(picture: ET.Element) -> int:
    """How many notes are drawn."""
    return sum(
        path.get("d", "").count("M") for group in played(picture) for path in group.findall(f"{SVG}path")
    )


def played(picture: ET.Element) -> list[ET.Element]:
    """What parts play: groups that have a title."""
    return [group for group in picture.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]


def song_of(*notes: Note, name: str = "") -> Song:
    return Song(1, Division(480), [], max(n.end for n in notes), 1, [Part(0, name, 1, [40], notes)], [])


@pytest.mark.parametrize("count", [1, 20, 1000])
def test_it_has_as_many_notes_as_the_file(count: int) -> None:
    song = read(smf.render(normalize(samples.song("t", count), "t")))
    assert lines(parsed(song)) == song.note_count == count


def test_ten_thousand_notes_are_few_elements_and_few_bytes() -> None:
    text = drawing(read(smf.render(normalize(samples.song("t", 10_000), "t"))), "song.mid")
    assert len(list(ET.fromstring(text).iter())) < 200  # noqa: S314
    assert len(text) < 200_000


def test_the_same_file_gives_the_same_picture() -> None:
    file = smf.render(normalize(samples.sample(), "t"))
    assert drawing(read(file), "a") == drawing(read(file), "a")


def test_it_tells_the_song_its_instruments_its_octaves_and_its_seconds() -> None:
    song = read(
        rendered({"Violin": [(0, 1, 60, 90)], "Lead Voice": [(0, 4, 72, 90)], "Drums": []}, "5c79-be8e")
    )
    said = texts(parsed(song))
    assert said[:2] == ["5c79-be8e", "0:04.00 long, 120 bpm, 2 notes in 4 tracks."]
    assert said[-2:] == ["Violin", "Lead Voice · Synth Voice"]
    assert {"C4", "C5", "0 s", "1 s", "4 s"} <= set(said)


def test_a_song_without_a_name_is_called_as_its_file() -> None:
    assert texts(parsed(read(midi(note(60)))))[0] == "song.mid"


def test_a_song_without_notes_says_so() -> None:
    picture = parsed(read(midi(b"")))
    assert "No notes." in texts(picture)
    assert lines(picture) == 0


HOSTILE = ["<script>alert(1)</script>", "]]>&\"'", "\ud800\x00\ufffe", "עברית\u202e"]
ELEMENTS = {"svg", "title", "style", "rect", "text", "path", "g"}


@given(st.text(max_size=30) | st.sampled_from(HOSTILE))
def test_it_is_well_formed_whatever_the_names_hold(name: str) -> None:
    picture = parsed(song_of(Note(0, 1, 60, 64), name=name))
    assert lines(picture) == 1
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= ELEMENTS


times = st.floats(0, 1e12, allow_subnormal=False)


@given(st.lists(st.tuples(times, times, st.integers(0, 127), st.integers(1, 127)), min_size=1, max_size=5))
def test_every_note_is_drawn_within_the_page_however_long_the_song(
    drawn: list[tuple[float, float, int, int]],
) -> None:
    notes = [Note(min(a, b), max(a, b), pitch, velocity) for a, b, pitch, velocity in drawn]
    song = song_of(*sorted(notes))
    page = page_for(song)
    assert lines(parsed(song)) >= len({note.pitch for note in notes})
    for each in notes:
        for x, y, length in re.findall(r"M(\S+) (\S+)h(\S+?)(?=M|$)", "".join(page.lines(each))):
            assert 56 <= float(x) <= 1568
            assert 0.8 <= float(length) <= 1600 - float(x)
            assert 68 <= float(y) <= page.bottom


@pytest.mark.parametrize(
    ("seconds", "rows", "row_seconds"),
    [(0.01, 1, 1), (2, 1, 2), (120, 1, 120), (200, 2, 100), (3600, 12, 300), (86_400, 12, 7200)],
)
def test_a_long_song_goes_on_in_rows(seconds: float, rows: int, row_seconds: float) -> None:
    page = page_for(song_of(Note(0, seconds, 60, 64)))
    assert (page.rows, page.row_seconds) == (rows, row_seconds)


def test_a_note_that_crosses_rows_is_drawn_in_each() -> None:
    page = page_for(song_of(Note(0, 200, 60, 64)))
    assert len(list(page.lines(Note(90, 110, 60, 64)))) == 2
    assert len(list(page.lines(Note(90, 100, 60, 64)))) == 1
    assert len(list(page.lines(Note(100, 100, 60, 64)))) == 1


def test_notes_that_cover_each_other_are_one_line_and_repeats_are_not() -> None:
    page = page_for(song_of(Note(0, 100, 60, 64)))
    covered = [Note(0, 10, 60, 64), Note(1, 2, 60, 80), Note(5, 20, 60, 64)]
    assert list(page.as_seen(covered)) == [Note(0, 20, 60, 64)]
    repeated = [Note(n, n + 1, 60, 64) for n in range(100)]
    assert list(page.as_seen(repeated)) == repeated
    apart_for_the_eye = [Note(0, 10, 60, 64), Note(9.98, 20, 60, 64)]
    assert list(page.as_seen(apart_for_the_eye)) == apart_for_the_eye


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 100)), min_size=1, max_size=30))
def test_what_is_seen_covers_every_note(drawn: list[tuple[float, float]]) -> None:
    notes = sorted(Note(start, start + length, 60, 64) for start, length in drawn)
    seen = list(page_for(song_of(*notes)).as_seen(notes))
    assert all(any(s.start <= n.start and n.end <= s.end for s in seen) for n in notes)
    assert all(one.end <= other.start + 1.6 for one, other in pairwise(seen))


def test_a_picture_is_only_as_large_as_what_can_be_seen_in_it() -> None:
    """Notes without an end reach all rows, each."""
    track = b"".join(at(1, f"9{n % 16:x}{n * 37 % 128:02x}{1 + n * 61 % 127:02x}") for n in range(10_000))
    song = read(midi(track, division=8))
    assert song.note_count == 10_000
    assert page_for(song).rows > 5
    assert len(drawing(song, "song.mid")) < 200_000


def test_it_tells_what_is_odd_about_the_file() -> None:
    song = read(midi(note(60), note(62), kind=2))
    assert texts(parsed(song))[1].endswith("tracks. " + song.remarks[0])


def test_parts_of_one_colour_are_told_by_all_their_names() -> None:
    drums = midi(named(b"Kick") + note(36, channel=10), named(b"Snare") + note(38, channel=10))
    [group] = played(parsed(read(drums)))
    assert group.findtext(f"{SVG}title") == "Kick · drums, Snare · drums"


def test_loud_notes_are_stronger_than_soft_ones() -> None:
    picture = parsed(song_of(*(Note(n, n + 1, 60, v) for n, v in enumerate((1, 63, 64, 95, 96, 127)))))
    drawn = [path for group in played(picture) for path in group.findall(f"{SVG}path")]
    assert [path.get("stroke-opacity") for path in drawn] == [".6", ".8", "1"]
    assert [path.get("d", "").count("M") for path in drawn] == [2, 2, 2]


def test_both_themes_are_in_it_and_drums_are_neutral() -> None:
    song = read(rendered({"Drums": [(0, 1, 38, 90)], "Violin": [(0, 1, 60, 90)]}))
    text = drawing(song, "song.mid")
    light, _, dark = text.partition("@media(prefers-color-scheme:dark)")
    assert f".c0{{stroke:{LIGHT.parts[0]}}}" in light
    assert f".c0{{stroke:{DARK.parts[0]}}}" in dark
    assert [group.get("class") for group in played(parsed(song))] == ["drums", "c0"]
