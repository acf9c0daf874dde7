"""The built-in workers are written with what users have: nothing of the runtime is theirs alone."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import midi_ingest
from workers.catalogue import BUILT_IN

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_a_built_in_worker_imports_of_the_runtime_is_public(name: str) -> None:
    module = importlib.import_module(f"workers.{name.replace('-', '_')}")
    tree = ast.parse(Path(module.__file__ or "").read_text())
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workers.runtime")
        for alias in node.names
    }
    assert imported, "a worker is decorated with something of the runtime"
    for imported_name, source in imported.items():
        assert imported_name in midi_ingest.__all__
        assert getattr(midi_ingest, imported_name) is getattr(
            importlib.import_module(source or ""), imported_name
        )


def test_nothing_else_of_the_runtime_reaches_a_built_in_worker() -> None:
    for path in (ROOT / "workers").glob("*.py"):
        tree = ast.parse(path.read_text())
        plain = [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
        assert not [name for name in plain if name.startswith("workers.runtime")]
