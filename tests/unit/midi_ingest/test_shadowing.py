"""A user's own `workers/` or `schemas/` does not break ours; where it stands in its place, that is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from midi_ingest import shadowing


def test_our_own_packages_are_ours() -> None:
    shadowing.refuse_shadows()


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadowing, "OURS", ("schemas", "not_there_at_all"))
    with pytest.raises(ImportError, match=r"'not_there_at_all' in .*, but Python finds nothing"):
        shadowing.refuse_shadows()


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A user's folder with packages called like all of ours, and a worker."""
    for name in shadowing.OURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise AssertionError('not this one')")
    (tmp_path / "workers" / "own.py").write_text(
        "from midi_ingest import Score, worker\n"
        "@worker('own', reads=Score)\n"
        "def own(score: Score) -> None: ...\n"
    )
    return tmp_path


def run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        [str(Path(sys.executable).with_name("midi-ingest"))],
        [sys.executable, "-m", "midi_ingest"],
        [sys.executable, "-u", "-m", "midi_ingest"],
        [sys.executable, "-P", "-m", "midi_ingest"],
    ],
    ids=["midi-ingest", "python -m", "python -u -m", "python -P -m"],
)
def test_a_users_own_folders_in_the_current_one_do_not_break_the_command(
    crowded: Path, command: list[str]
) -> None:
    done = run(crowded, *command, "workers", "workers/own.py:own", "--output", "json")
    assert done.stderr == ""
    assert done.returncode == 0
    assert '"from": "workers/own.py:own"' in done.stdout


def test_in_a_program_of_theirs_which_needs_theirs_it_is_named_what_stands_in_the_way(crowded: Path) -> None:
    done = run(crowded, sys.executable, "-c", "import midi_ingest")
    assert done.returncode == 1
    assert f"'schemas' in {Path(shadowing.__file__).parent.parent}, but" in done.stderr
    assert f"Python finds {crowded / 'schemas'}. Rename that" in done.stderr


def test_a_folder_that_is_no_package_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    assert run(tmp_path, sys.executable, "-c", "import midi_ingest").returncode == 0


def test_a_package_on_pythonpath_stops_the_command_and_is_named(crowded: Path) -> None:
    done = run(crowded.parent, sys.executable, "-m", "midi_ingest", "--version", PYTHONPATH=str(crowded))
    assert done.returncode == 1
    assert f"Python finds {crowded / 'schemas'}" in done.stderr
