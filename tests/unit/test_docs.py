"""What docs/custom-workers.md shows is true: its files pass their own tests. So is the list in docs/messages.md."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from midi_ingest import (
    Context,
    Dropped,
    Failure,
    Instrument,
    Keyed,
    Note,
    Raw,
    Reject,
    Retry,
    State,
    Topic,
    Warning,  # noqa: A004 - the contract's word
    topics,
    worker,
)
from midi_ingest.workers import GROUP
from tests.docs import CUSTOM_WORKERS, MESSAGES, blocks, names, write_files
from workers.music.repairs import Code
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


@pytest.mark.parametrize("page", [CUSTOM_WORKERS, MESSAGES], ids=lambda page: page.stem)
def test_every_link_on_the_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_the_page_of_messages_has_all_their_fields_and_parameters_in_their_order() -> None:
    told = names(MESSAGES)
    codes = list(typing.get_args(Code))
    told["Warning"], told_codes = told["Warning"][: -len(codes)], told["Warning"][-len(codes) :]
    assert told == {
        **{message.__name__: list(message.__struct_fields__) for message in topics.MESSAGES},
        **{part.__name__: list(part.__struct_fields__) for part in (Instrument, Warning)},
        "Note": list(Note._fields),
        "Context": [*Context.__struct_fields__, "log"],
        "State": [name for name in vars(State) if inspect.isfunction(vars(State)[name]) and name[0] != "_"],
        **{output.__name__: parameters_of(output) for output in (Keyed, Raw, Failure, Dropped)},
        **{raised.__name__: parameters_of(raised) for raised in (Reject, Retry)},
        "worker": parameters_of(worker),
        "Topic": parameters_of(Topic),
    }
    assert sorted(told_codes) == sorted(codes)


def parameters_of(made: Callable[..., object]) -> list[str]:
    return list(inspect.signature(made).parameters)


def test_the_readme_shows_the_example_as_it_is() -> None:
    root = CUSTOM_WORKERS.parents[1]
    (shown,) = [block.text for block in blocks(root / "README.md") if block.language == "python"]
    example = (root / "examples" / "loudest_note.py").read_text().splitlines()
    assert [line for line in shown.splitlines() if line not in example] == []
