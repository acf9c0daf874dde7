"""What docs/custom-workers.md shows is true: its files pass their own tests."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from midi_ingest.workers import GROUP
from tests.docs import CUSTOM_WORKERS, blocks, write_files
from workers.runtime.api import Worker


def test_every_file_on_the_page_passes_its_tests(tmp_path: Path) -> None:
    names = write_files(CUSTOM_WORKERS, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    tested = {name.removeprefix("test_") for name in names if name.startswith("test_")}
    assert {name for name in names if name.endswith(".py") and not name.startswith("test_")} <= tested


def test_the_entry_point_on_the_page_is_a_worker_of_that_name(tmp_path: Path) -> None:
    write_files(CUSTOM_WORKERS, tmp_path)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    ((name, target),) = project["entry-points"][GROUP].items()
    module_name, _, attribute = target.partition(":")
    spec = importlib.util.spec_from_file_location("from_the_page", tmp_path / f"{module_name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = getattr(module, attribute)
    assert isinstance(found, Worker)
    assert found.name == name


def test_every_block_is_run_or_says_that_it_installs() -> None:
    for block in blocks(CUSTOM_WORKERS):
        assert "." in block.name or (block.language, block.name) in {
            ("sh", ""),
            ("sh", "install"),
            ("text", ""),
        }


def test_every_link_on_the_page_leads_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", CUSTOM_WORKERS.read_text()):
        assert (CUSTOM_WORKERS.parent / link).exists(), link


def test_the_readme_shows_the_example_as_it_is() -> None:
    root = CUSTOM_WORKERS.parents[1]
    (shown,) = [block.text for block in blocks(root / "README.md") if block.language == "python"]
    example = (root / "examples" / "loudest_note.py").read_text().splitlines()
    assert [line for line in shown.splitlines() if line not in example] == []
