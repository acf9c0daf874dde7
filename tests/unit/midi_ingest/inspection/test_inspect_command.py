"""`midi-ingest inspect`, from its arguments to what it prints and leaves."""

from __future__ import annotations

import io
import os
import sys
from errno import ENOSPC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from midi_ingest.commands.inspect import inspect
from midi_ingest.inspection import summary
from midi_ingest.inspection.palette import terminal_styles
from midi_ingest.inspection.reading import read
from tests.unit.midi_ingest.inspection.files import at, midi, named, note, rendered

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def song(tmp_path: Path) -> str:
    path = tmp_path / "song.mid"
    path.write_bytes(
        rendered({"Violin": [(0, 1.5, 60, 100), (1.5, 2, 67, 64)], "Lead": [(0, 1, 72, 1)], "Kit": []})
    )
    return str(path)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where output goes to a file, whatever the environment of the tests says."""
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_it_shows_the_file_its_parts_and_a_roll(song: str, capsys: Capture) -> None:
    assert inspect(song) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        f"{song}: type 1, 480 ticks a quarter note",
        "0:02.00 long, 120 bpm, 3 notes in 4 tracks",
        "",
        "track  name · instrument         ch  notes  pitches  velocity     from       to",
        "────────────────────────────────────────────────────────────────────────────────",
        "    0  t1                                0",
        "    1  Violin                     1      2    C4–G4    64–100  0:00.00  0:02.00",
        "    2  Lead · Lead 2 (sawtooth)   2      1       C5         1  0:00.00  0:01.00",
        "    3  Kit                               0",
        "",
        " C5 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀",
        "    │",
        "    │                                                        ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠁",
        " C4 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀",
        "    └┬─────────────────┬──────────────────┬──────────────────┬──────────────────",
        "     0 s               0.5 s              1 s                1.5 s",
    ]


def test_it_says_that_there_are_no_notes(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "silent.mid"
    path.write_bytes(rendered({"Violin": []}))
    assert inspect(str(path)) == 0
    assert capsys.readouterr().out.endswith("\nNo notes.\n")


def test_nothing_of_a_file_steers_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "\x1b[2J.mid"
    path.write_bytes(midi(named("\x1b[31m[bold]\u202e".encode()) + note(60)))
    assert inspect(str(path)) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[31m[bold]\\u202e · Acoustic Grand Piano" in shown


def test_remarks_stand_between_the_table_and_the_roll(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(midi(at(0, "903c40")))
    assert inspect(str(path)) == 0
    before, _, after = capsys.readouterr().out.partition(
        "Track 0: 1 note without an end, drawn until the track's.\n"
    )
    assert before.endswith("\n\n")
    assert after.startswith("\n ")


@pytest.mark.parametrize("width", [60, 80])
def test_names_are_shortened_where_a_terminal_is_narrow(width: int) -> None:
    song = read(rendered({"Lead guitar of the second verse": [(0, 700, 60, 100)], "Kit": []}))
    narrow = Console(width=width, file=io.StringIO())
    narrow.print(summary.table(song, terminal_styles(song.parts)))
    _, _, *rows = narrow.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(rows) == 3
    assert "…" in rows[1]
    assert "11:40.00" in rows[1]


def test_a_part_has_one_colour_on_a_terminal(
    song: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert inspect(song) == 0
    shown = capsys.readouterr().out
    assert "\x1b[36m" in shown  # cyan
    assert "\x1b[35m" in shown  # magenta


def test_of_very_many_tracks_the_table_has_the_first_and_says_so(tmp_path: Path, capsys: Capture) -> None:
    path, picture = tmp_path / "many.mid", tmp_path / "many.svg"
    path.write_bytes(midi(*[note(60)] * 300))
    assert inspect(str(path), svg=str(picture)) == 0
    table = capsys.readouterr().out.splitlines()
    assert sum("Acoustic Grand Piano" in line for line in table) == 256
    assert any("and 44 more: --output json has all of them" in line for line in table)
    assert picture.read_text().count(">Acoustic Grand Piano</text>") == 250
    assert "… and 50 more" in picture.read_text()


def test_many_changes_of_tempo_are_told_in_short(tmp_path: Path, capsys: Capture) -> None:
    few, many = tmp_path / "few.mid", tmp_path / "many.mid"
    changes = (at(960, f"ff5103{microseconds:06x}") for microseconds in (500_000, 600_000, 1_000_000))
    few.write_bytes(midi(at(0, "ff51030f4240") + b"".join(changes) + note(60)))
    many.write_bytes(
        midi(b"".join(at(480, f"ff5103{500_000 + n * 1000:06x}") for n in range(1, 5)) + note(60))
    )
    assert inspect(str(few), str(many)) == 0
    figures = [line for line in capsys.readouterr().out.splitlines() if " long, " in line]
    assert figures == [
        "0:05.20 long, 60 bpm, 120 bpm from 0:02.00, 100 bpm from 0:03.00, 60 bpm from 0:04.20, 1 note in 1 track",
        "0:02.51 long, 120 bpm, then 119.05 bpm to 119.76 bpm in 4 changes, 1 note in 1 track",
    ]


def test_json_has_everything_of_every_file(song: str, tmp_path: Path, capsys: Capture) -> None:
    film = tmp_path / "film.mid"
    film.write_bytes(midi(note(60, channel=10) + at(0, "903c40"), division=0xE728))
    assert inspect(song, str(film), output="json") == 0
    first, second = orjson.loads(capsys.readouterr().out)["files"]
    assert first == {
        "file": song,
        "bytes": Path(song).stat().st_size,
        "title": "t1",
        "type": 1,
        "ticks_per_quarter": 480,
        "frames_per_second": None,
        "ticks_per_frame": None,
        "tempos": [{"second": 0.0, "microseconds_per_quarter": 500_000, "bpm": 120.0}],
        "seconds": 2.0,
        "tracks": 4,
        "notes": 3,
        "remarks": [],
        "parts": [
            SILENT | {"track": 0, "name": "t1"},
            {
                "track": 1,
                "name": "Violin",
                "channel": 1,
                "drums": False,
                "programs": [{"program": 40, "name": "Violin"}],
                "notes": 2,
                "pitches": [60, 67],
                "pitch_names": ["C4", "G4"],
                "velocities": [64, 100],
                "from": 0.0,
                "to": 2.0,
            },
            {
                "track": 2,
                "name": "Lead",
                "channel": 2,
                "drums": False,
                "programs": [{"program": 81, "name": "Lead 2 (sawtooth)"}],
                "notes": 1,
                "pitches": [72, 72],
                "pitch_names": ["C5", "C5"],
                "velocities": [1, 1],
                "from": 0.0,
                "to": 1.0,
            },
            SILENT | {"track": 3, "name": "Kit"},
        ],
    }
    assert (second["ticks_per_quarter"], second["frames_per_second"], second["ticks_per_frame"]) == (
        None,
        25,
        40,
    )
    assert second["tempos"] == []
    assert [one["drums"] for one in second["parts"]] == [False, True]
    assert second["remarks"] == ["Track 0: 1 note without an end, drawn until the track's."]


SILENT: dict[str, object] = {
    "channel": None,
    "drums": False,
    "programs": [],
    "notes": 0,
    "pitches": None,
    "pitch_names": None,
    "velocities": None,
    "from": None,
    "to": None,
}


def test_a_hyphen_is_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(midi(note(60)))))
    assert inspect("-") == 0
    assert capsys.readouterr().out.startswith("standard input: type 1")


@pytest.mark.parametrize("output", ["table", "json"])
def test_what_cannot_be_shown_is_told_in_a_line_and_the_rest_is_shown(
    song: str, tmp_path: Path, capsys: Capture, output: Literal["table", "json"]
) -> None:
    (tmp_path / "no.mid").write_bytes(b'{"task')
    (tmp_path / "cut.mid").write_bytes(midi(note(60))[:-2])
    (tmp_path / "large.mid").write_bytes(bytes(4 * 1024 * 1024 + 1))
    names = [str(tmp_path / name) for name in ("no.mid", "cut.mid", "large.mid")]
    assert inspect(*names, song, output=output) == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"midi-ingest: {names[0]} is no MIDI file: it begins with b'{{\"ta' instead of b'MThd'. "
        "inspect reads Standard MIDI Files (.mid).",
        f"midi-ingest: {names[1]} is damaged: the chunk at byte 14 is cut off: 2 of its 13 bytes are missing. "
        "Get it again; one of the store's is written anew by `midi-ingest replay --task ID --only render --yes`.",
        f"midi-ingest: {names[2]} is larger than 4 MiB, the most that inspect reads. "
        "A library for MIDI files may read it; a song of ours has less than that.",
    ]
    assert song in told.out


def test_the_worst_of_several_files_decides_the_exit_code(song: str, tmp_path: Path) -> None:
    (tmp_path / "no.mid").write_bytes(b"")
    assert inspect(str(tmp_path / "absent.mid"), str(tmp_path / "no.mid"), song) == 2


@pytest.mark.parametrize("name", [b"\xff\xfe.mid", "schön.mid".encode()])
def test_a_files_name_may_be_any_bytes(tmp_path: Path, capfdbinary: Any, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(midi(note(60)))
    assert inspect(str(path), output="json") == 0
    [shown] = orjson.loads(capfdbinary.readouterr().out)["files"]
    assert shown["file"] == f"{tmp_path}/" + name.decode(errors="backslashreplace")
    assert inspect(str(path), svg=str(path.with_suffix(".svg"))) == 0
    assert path.with_suffix(".svg").exists()


@pytest.mark.parametrize(
    ("names", "svg", "told"),
    [
        ([""], None, "a name is empty: name a MIDI file"),
        (["song.mid", ""], None, "a name is empty: name a MIDI file"),
        (["song.mid"], "", "--svg writes a file"),
        (["song.mid"], "-", "--svg writes a file"),
    ],
)
def test_a_name_that_is_none_exits_2_and_is_told(
    capsys: Capture, names: list[str], svg: str | None, told: str
) -> None:
    assert inspect(*names, svg=svg) == 2
    assert told in capsys.readouterr().err


def test_what_cannot_be_opened_exits_2(song: str, tmp_path: Path, capsys: Capture) -> None:
    assert inspect(str(tmp_path / "absent.mid"), str(tmp_path), song) == 2
    told = capsys.readouterr().err.splitlines()
    assert "absent.mid cannot be read: No such file or directory. Name a MIDI file" in told[0]
    assert "cannot be read: Is a directory." in told[1]


def test_a_picture_is_there_whole_and_replaces_another(song: str, tmp_path: Path, capsys: Capture) -> None:
    picture = tmp_path / "song.svg"
    picture.write_text("old")
    assert inspect(song, svg=str(picture)) == 0
    assert capsys.readouterr().out.endswith(f"\nDrawn in {picture}.\n")
    assert picture.read_text().startswith("<svg ")
    assert picture.read_text().endswith("</svg>\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.mid", "song.svg"]


def test_a_picture_goes_where_a_link_leads(song: str, tmp_path: Path) -> None:
    link, target = tmp_path / "link.svg", tmp_path / "target.svg"
    link.symlink_to(target)
    assert inspect(song, svg=str(link)) == 0
    assert link.is_symlink()
    assert target.read_text().startswith("<svg ")


def test_a_picture_that_cannot_be_written_leaves_what_is_there(
    song: str, tmp_path: Path, capsys: Capture
) -> None:
    before = sorted(tmp_path.rglob("*"))
    for place in (tmp_path, tmp_path / "absent" / "song.svg", Path("/dev/null")):
        assert inspect(song, svg=str(place)) == 1
        assert f"{place} cannot be written" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["song.mid", "symbolic.svg", "hard.svg", "other.svg"])
def test_a_picture_replaces_no_midi_file(song: str, tmp_path: Path, capsys: Capture, name: str) -> None:
    (tmp_path / "symbolic.svg").symlink_to(song)
    (tmp_path / "hard.svg").hardlink_to(song)
    (tmp_path / "other.svg").write_bytes(b"MThd, or what was one")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert inspect(song, svg=str(tmp_path / name)) == 2
    assert f"{name} is a MIDI file, which --svg does not replace: name another." in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_picture_that_the_disk_does_not_take_replaces_nothing(
    song: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(ENOSPC, os.strerror(ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    picture = tmp_path / "song.svg"
    picture.write_text("old")
    assert inspect(song, svg=str(picture)) == 1
    assert f"{picture} cannot be written: No space left on device." in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"song.mid", "song.svg"}
    assert picture.read_text() == "old"


def test_a_file_that_is_no_song_makes_no_picture(tmp_path: Path) -> None:
    (tmp_path / "no.mid").write_bytes(b"")
    picture = tmp_path / "song.svg"
    picture.write_text("old")
    assert inspect(str(tmp_path / "no.mid"), svg=str(picture)) == 1
    assert picture.read_text() == "old"


def test_one_picture_is_of_one_file(song: str, tmp_path: Path, capsys: Capture) -> None:
    assert inspect(song, song, svg=str(tmp_path / "song.svg")) == 2
    assert "--svg draws one file" in capsys.readouterr().err
    assert not (tmp_path / "song.svg").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from([b"", midi()[4:12], midi()[4:12] + b"\x01\xe0MTrk\0\0\0\x14"]))
def test_whatever_bytes_follow_mthd_are_shown_or_told_to_be_damaged(
    tmp_path: Path, capsys: Capture, data: bytes, before: bytes
) -> None:
    path = tmp_path / "any.mid"
    path.write_bytes(b"MThd" + before + data)
    code = inspect(str(path), svg=str(tmp_path / "any.svg"))
    told = capsys.readouterr()
    assert (code, " is damaged: " in told.err) in {(0, False), (1, True)}
