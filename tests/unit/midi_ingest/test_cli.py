"""The command `midi-ingest`: its help and its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from midi_ingest import cli
from midi_ingest.version import __version__
from tests.unit.midi_ingest.inspection.files import midi, named, note

# Cyclopts warns where it reads sys.argv under pytest, since that is mostly a mistake. Here it is the point.
pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")

PROCESS = [sys.executable, "-P", "-m", "midi_ingest"]
COMMANDS = [
    [], ["up"], ["ingest"], ["worker"], ["workers"], ["send"], ["topics"], ["topics", "apply"], ["topics", "diff"],
    ["topics", "read"], ["spool"], ["spool", "status"], ["spool", "drain"],
    ["dlq"], ["dlq", "list"], ["dlq", "show"], ["dlq", "redrive"], ["dlq", "purge"], ["replay"], ["task"],
    ["instruments"], ["inspect"], ["state"], ["state", "show"], ["state", "rebuild"],
]  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of the command in this process."""
    monkeypatch.setattr(sys, "argv", ["midi-ingest", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_ends_in_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert run(monkeypatch, *command, "--help") == 0
    examples = capsys.readouterr().out.partition("Examples:")[2].split("\n")
    shown = [line.strip() for line in examples if "midi-ingest " in line]
    assert shown
    assert any(f"midi-ingest {command[0] if command else 'up'}" in line for line in shown)


def test_every_command_has_its_help_tested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--help")
    overview = capsys.readouterr().out.partition("Commands")[2].partition("Examples:")[0]
    listed = {line.strip("│ ").split(" ")[0] for line in overview.splitlines() if line.startswith("│ ")}
    tested = {command[0] for command in COMMANDS if command}
    assert {word for word in listed if word.isalpha() and word.islower()} == tested


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["topics", "bogus"],
        ["up", "--bogus"],
        ["up", "--kafka-port", "0"],
        ["worker"],
        ["ingest", "surplus"],
        ["send", "--count", "0"],
        ["send", "--notes", "many"],
        ["topics", "diff", "--output", "xml"],
        ["workers", "--output", "xml"],
        ["instruments", "--output", "xml"],
        ["topics", "read"],
        ["topics", "read", "outcomes", "--limit", "0"],
        ["dlq", "list", "--since", "yesterday"],
        ["dlq", "list", "--limit", "0"],
        ["dlq", "show"],
        ["dlq", "redrive", "--everything", "--rate", "0"],
        ["replay", "--from", "1h", "--timeout", "0"],
        ["task"],
        ["inspect"],
        ["inspect", "--bogus"],
        ["inspect", "song.mid", "--output", "xml"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert "Error" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dlq", "show", "bogus"], "'bogus' is no letter's id"),
        (["dlq", "redrive"], "Say which letters"),
        (["dlq", "redrive", "0:1", "--everything"], "Say which letters"),
        (["dlq", "purge", "--yes"], "Say which letters"),
        (["dlq", "purge", "0:x", "--yes"], "'0:x' is no letter's id"),
        (["replay", "--yes"], "Say which tasks"),
        (["replay", "--from", "1h", "--only", "bogus"], "There is no worker 'bogus'."),
        (["replay", "--from", "1h", "--only", "deduplicate"], "replay what it made of them"),
        (["replay", "--from", "1h", "--only", "route-failures"], "takes no record twice"),
    ],
    ids=str,
)
def test_what_makes_no_sense_exits_2_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("telemetry.logs.configure", lambda *_: None)  # it would hold for all tests
    assert run(monkeypatch, *arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["up"],
        ["ingest"],
        ["worker", "render"],
        ["send"],
        ["topics", "apply"],
        ["topics", "diff"],
        ["dlq", "list"],
        ["replay", "--from", "1h"],
        ["task", "a"],
        ["instruments"],
    ],
)
def test_a_wrong_setting_stops_every_command_with_2_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("MIDI_INGEST_PORT", "x")
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.startswith("midi-ingest: MIDI_INGEST_PORT: ")


@pytest.mark.parametrize(
    "arguments",
    [["up"], ["worker", "store"], ["worker", "render", "store"], ["worker", "store", "--processes", "2"]],
)
def test_an_object_store_that_cannot_be_used_as_it_is_set_up_exits_2_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("MIDI_INGEST_STORE", "s3://midi/songs")
    monkeypatch.setenv("MIDI_INGEST_STORE_SECRETS_FILE", "/nowhere/secrets")
    monkeypatch.setattr("telemetry.logs.configure", lambda *_, **__: None)  # it would hold for all tests
    assert run(monkeypatch, *arguments) == 2
    told = capsys.readouterr().err
    assert (
        "MIDI_INGEST_STORE_SECRETS_FILE: /nowhere/secrets cannot be read: No such file or directory." in told
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["worker", "bogus"],
        ["worker", "render", "bogus"],
        ["topics", "diff", "--worker", "bogus"],
        ["workers", "bogus"],
    ],
)
def test_an_unknown_worker_exits_2_and_says_which_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert "There is no worker 'bogus'." in capsys.readouterr().err


@pytest.mark.parametrize("body", ["{", '{"code": 200}', None])
def test_sending_a_file_that_is_no_callback_exits_2_and_names_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
    body: str | None,
) -> None:
    path = tmp_path_factory.mktemp("send") / "song.json"
    if body is not None:
        path.write_text(body)
    assert run(monkeypatch, "send", str(path)) == 2
    assert str(path) in capsys.readouterr().err


def test_the_process_itself_exits_2_on_a_wrong_setting() -> None:
    done = subprocess.run(
        [*PROCESS, "worker", "render"],
        env={"MIDI_INGEST_PROT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Did you mean MIDI_INGEST_PORT?" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["instruments"], ["instruments", "--output", "json"], ["workers"]],
)
def test_a_full_disk_is_told_in_a_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROCESS, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr == (
        "midi-ingest: not all could be written: No space left on device. Make room, and run it again.\n"
    )


def test_who_reads_the_output_may_go() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROCESS, "instruments", "--output", "json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_an_encoding_lacks_is_written_as_escapes() -> None:
    done = subprocess.run(
        [*PROCESS, "inspect", "-"],
        input=midi(named("Größe".encode()) + note(60)),
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Gr\\xf6\\xdfe" in done.stdout
