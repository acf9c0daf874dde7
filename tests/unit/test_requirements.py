"""The pinned dependencies in `requirements/` fit pyproject.toml, and name no registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: Final = {"image": ["tracing"], "local": ["local"], "dev": ["local", "tracing", "dev"]}
FILES: Final = sorted((ROOT / "requirements").glob("*.txt"))


def pinned(file: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{file}.txt").read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("file", EXTRAS)
def test_what_is_pinned_fits_what_the_project_asks_for(file: str) -> None:
    asked = [*PROJECT["dependencies"]]
    for extra in EXTRAS[file]:
        asked += PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, asked):
        if requirement.name != PROJECT["name"]:
            version = pinned(file)[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_everything_has_a_hash_and_nothing_names_a_registry(path: Path) -> None:
    text = path.read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
