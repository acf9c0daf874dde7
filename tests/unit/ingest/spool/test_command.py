"""`midi-ingest spool`, where it needs no Kafka."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.spool.spool import spooling
from midi_ingest.commands import spool as command
from tests.unit.ingest.spool.stand_in import MIB, files, filled, record


@pytest.fixture(autouse=True)
def _settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool's folder, and a Kafka that is away."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{taken.getsockname()[1]}")
    monkeypatch.setenv("MIDI_INGEST_SPOOL_DIR", str(folder))
    monkeypatch.setattr(command, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("telemetry.logs.configure", lambda *_: None)  # it would hold for all tests


@contextmanager
def owner(folder: Path, records: int) -> Iterator[None]:
    """A spool that holds a file, on an event loop of its own."""
    filled_up, stop = threading.Event(), threading.Event()

    async def hold() -> None:
        async with spooling(folder, MIB) as spool:
            for number in range(records):
                await spool.append(record(number))
            filled_up.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    filled_up.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("verb", [command.status, command.drain])
def test_without_a_spool_it_is_usage(
    verb: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDI_INGEST_SPOOL_DIR", "")
    monkeypatch.setenv("MIDI_INGEST_DATA_DIR", "nowhere")
    assert verb() == 2  # type: ignore[operator]
    assert "MIDI_INGEST_SPOOL_DIR is not set, and there is no nowhere/spool" in capsys.readouterr().err


def test_without_a_setting_it_is_the_spool_of_a_local_installation(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MIDI_INGEST_SPOOL_DIR")
    monkeypatch.setenv("MIDI_INGEST_DATA_DIR", str(folder.parent))
    asyncio.run(filled(folder, range(2)))
    capsys.readouterr()
    assert command.status() == 0
    assert capsys.readouterr().out.startswith(f"The spool in {folder};")
    assert command.drain() == 1
    assert f"0 records published from {folder}.\n" in capsys.readouterr().out


def test_a_file_has_its_whole_name_in_80_columns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    asyncio.run(filled(folder, range(2), size=100_000))
    capsys.readouterr()
    assert command.status() == 0
    out = capsys.readouterr().out
    assert [name for name in files(folder) if name.endswith(".sqlite3") and name not in out] == []


@pytest.mark.parametrize("verb", [command.status, command.drain])
def test_a_directory_that_does_not_exist_is_named(
    verb: object, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb() == 1  # type: ignore[operator]
    error = capsys.readouterr().err
    assert "MIDI_INGEST_SPOOL_DIR" in error
    assert str(folder) in error


def test_status_shows_what_each_file_holds_while_its_owner_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(filled(folder, range(2)))
    with owner(folder, 3):
        capsys.readouterr()
        assert command.status(output="json") == 0
        told = json.loads(capsys.readouterr().out)
        assert sorted((file["held"], file["records"]) for file in told) == [(False, 2), (True, 3)]
        assert all(file["bytes"] > 100 and file["error"] is None for file in told)
        age = datetime.now(UTC) - datetime.fromisoformat(told[0]["oldest"])
        assert timedelta(0) <= age < timedelta(minutes=1)

        assert command.status() == 0
        table = capsys.readouterr().out
        assert all(file["name"][:8] in table for file in told)


def test_status_of_an_empty_spool_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    assert command.status() == 0
    assert capsys.readouterr().out == f"The spool in {folder} is empty.\n"
    assert command.status(output="json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_status_shows_a_file_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    (folder / "0123.sqlite3").write_bytes(b"damaged" * 1000)
    assert command.status(output="json") == 0
    (file,) = json.loads(capsys.readouterr().out)
    assert "not a database" in file["error"]


def test_status_changes_nothing_that_a_file_holds(folder: Path) -> None:
    asyncio.run(filled(folder, range(2)))
    before = {path: path.read_bytes() for path in folder.glob("*.sqlite3")}
    assert command.status() == 0
    assert {path: path.read_bytes() for path in folder.glob("*.sqlite3")} == before


def test_draining_an_empty_spool_asks_nobody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    assert command.drain() == 0
    assert capsys.readouterr().out == f"0 records published from {folder}.\n"


def test_draining_leaves_everything_while_kafka_is_away(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(filled(folder, range(3)))
    before = [name for name in files(folder) if name.endswith(".sqlite3")]
    assert command.drain() == 1
    out, error = capsys.readouterr()
    assert "0 records published " in out
    assert "for Kafka at 127.0.0.1:" in error
    assert "3 records. Kafka " in error
    assert [name for name in files(folder) if name.endswith(".sqlite3")] == before


def test_draining_says_what_a_running_process_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with owner(folder, 1):
        assert command.drain() == 1
        assert "1 record. A running process holds it" in capsys.readouterr().err
