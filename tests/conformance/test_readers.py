"""Other readers of MIDI files find in ours what the scores say: the same notes, names, programs and tempo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.reader import Reader
from tests.conformance.said import song_of
from tests.conformance.songs import SONGS
from tests.smf_checker import check
from workers.music import smf


@pytest.mark.parametrize("name", SONGS)
def test_a_reader_hears_what_the_score_says(reader: Reader, name: str, tmp_path: Path) -> None:
    file = tmp_path / "song.mid"
    file.write_bytes(smf.render(SONGS[name]))
    assert reader.hears(file) == song_of(SONGS[name])


def test_a_reader_that_heard_anything_else_would_be_found_out(reader: Reader, tmp_path: Path) -> None:
    file = tmp_path / "song.mid"
    rendered = smf.render(SONGS["a long song"])
    file.write_bytes(rendered.replace(bytes([0x90, 60, 1]), bytes([0x90, 60, 2])))
    heard, told = reader.hears(file), song_of(SONGS["a long song"])
    assert heard != told
    assert heard.tracks[0].notes[1:] == told.tracks[0].notes[1:]


@pytest.mark.parametrize("name", SONGS)
def test_the_strict_checker_accepts_each_song(name: str) -> None:
    assert check(smf.render(SONGS[name])).tracks == song_of(SONGS[name]).tracks
