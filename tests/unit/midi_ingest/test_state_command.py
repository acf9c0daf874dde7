"""`midi-ingest state show`: the stores of a directory, without Kafka."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from midi_ingest.cli import USAGE
from midi_ingest.commands.state import show
from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.files import open_store
from workers.runtime.state.store import Change


def filled(folder: Path) -> None:
    store = open_store(folder / "midi.w-3.sqlite3", 10)
    store.apply([Change("a", b"1", 1)], Checkpoint("topic", "shape", 7, 1_777_636_800_000))
    store.close()


def test_stores_are_shown_with_what_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path)
    (tmp_path / "midi.w-4.sqlite3").write_bytes(b"swordfish" * 100)
    monkeypatch.setenv("MIDI_INGEST_STATE_DIR", str(tmp_path))
    assert show(output="json") == 0
    mine, broken = json.loads(capsys.readouterr().out)
    assert (mine["file"], mine["held"], mine["keys"], mine["position"]) == ("midi.w-3.sqlite3", False, 1, 7)
    assert mine["as_of"] == "2026-05-01T12:00:00+00:00"
    assert broken["error"] == "file is not a database"
    assert show() == 0
    assert "midi.w-3.sqlite3" in capsys.readouterr().out


def test_without_a_setting_the_stores_of_up_are_shown_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDI_INGEST_DATA_DIR", str(tmp_path))
    assert show() == USAGE
    assert "MIDI_INGEST_STATE_DIR is not set" in capsys.readouterr().err
    filled(tmp_path / "state")
    assert show(output="json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_a_directory_that_does_not_exist_yet_has_no_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDI_INGEST_STATE_DIR", str(tmp_path / "none"))
    assert show() == 0
    assert capsys.readouterr().out == "There are no stores.\n"
