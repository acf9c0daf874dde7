"""Finding workers by what people call them: a built-in name, or a function in a Python file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from workers.catalogue import BUILT_IN
from workers.runtime.api import Worker


class UnknownWorker(ValueError):
    """There is no such worker; the message says which there are."""


def find(reference: str) -> Worker:
    """The worker called so: ``render``, or ``path/to/file.py:name``.

    Raises:
        UnknownWorker: there is no such worker, or the name in the file is none.
    """
    path, _, name = reference.rpartition(":")
    if path.endswith(".py"):
        return _in_file(Path(path), name)
    if reference not in BUILT_IN:
        raise UnknownWorker(
            f"There is no worker {reference!r}. There are {', '.join(BUILT_IN)}; "
            "your own are given as path/to/file.py:name."
        )
    return BUILT_IN[reference]


def _in_file(path: Path, name: str) -> Worker:
    if not path.is_file():
        raise UnknownWorker(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(f"custom_worker_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UnknownWorker(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # the type hints of the worker's function are looked up there
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not isinstance(found, Worker):
        raise UnknownWorker(
            f"{path} has no worker {name!r}: decorate a function of this name with @worker(…)."
        )
    if found.name in BUILT_IN:
        raise UnknownWorker(f"{path}:{name} is called {found.name!r} like a built-in worker: rename it.")
    return found
