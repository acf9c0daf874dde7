"""A user's own `workers/` or `schemas/` in the place of ours is noticed and named."""

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


def test_somebody_elses_package_of_the_same_name_stops_the_start_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "midi_ingest", "--version"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"'schemas' in {Path(shadowing.__file__).parent.parent}, but" in done.stderr
    assert f"Python finds {tmp_path / 'schemas'}. Rename that" in done.stderr
