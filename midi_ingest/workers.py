"""Finding workers by what people call them: a built-in or installed one's name, or a function in a Python file.

A package installs workers with entry points of the group `midi_ingest.workers`, each named like its worker.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

from midi_ingest import import_errors
from workers.catalogue import BUILT_IN
from workers.runtime.api import Worker

GROUP: Final = "midi_ingest.workers"


class UnknownWorker(ValueError):
    """There is no such worker, or it cannot be loaded; the message says what there is and what to do."""


@dataclass(frozen=True, slots=True)
class Available:
    """A worker that may be called by its name, where it comes from, and what is wrong with it, if anything."""

    name: str
    origin: str
    worker: Worker | None
    problem: str = ""


def find(reference: str) -> Worker:
    """The worker called so: ``render``, the name of an installed one, or ``path/to/file.py:name``.

    Raises:
        UnknownWorker: there is no such worker, the name in the file is none, or its file cannot be imported.
    """
    path, _, name = reference.rpartition(":")
    if path.endswith(".py"):
        return _in_file(Path(path), name)
    if reference.endswith(".py"):
        raise UnknownWorker(_which(Path(reference)))
    if reference in BUILT_IN:
        return BUILT_IN[reference]
    installed = [point for point in entry_points(group=GROUP) if point.name == reference]
    if not installed and re.fullmatch(r"\w+(\.\w+)*:\w+", reference):
        raise UnknownWorker(
            f"{reference!r} names a module: give its file, {path.replace('.', '/')}.py:{name}, or the name of an "
            "entry point (docs/custom-workers.md)."
        )
    if not installed:
        raise UnknownWorker(
            f"There is no worker {reference!r}. There are {', '.join(names())}; "
            "your own are given as path/to/file.py:name."
        )
    return _installed(installed)


def find_all(references: Iterable[str]) -> list[Worker]:
    """The workers called so, each once.

    Raises:
        UnknownWorker: see `find`; or two of them have one name, and so would be one consumer group.
    """
    found = {reference: find(reference) for reference in dict.fromkeys(references)}
    by_name: dict[str, str] = {}
    for reference, worker in found.items():
        if (other := by_name.setdefault(worker.name, reference)) != reference:
            raise UnknownWorker(
                f"{other} and {reference} are both called {worker.name!r}: rename one of them."
            )
    return list(found.values())


def names() -> list[str]:
    """What workers may be called without a file: the built-in ones, and those that installed packages bring."""
    return list(dict.fromkeys([*BUILT_IN, *(point.name for point in entry_points(group=GROUP))]))


def own(references: Iterable[str]) -> list[str]:
    """Those of what workers are called that are not built in, each once."""
    return [reference for reference in dict.fromkeys(references) if reference not in BUILT_IN]


def available(references: Iterable[str] = ()) -> Iterator[Available]:
    """The built-in workers, those that installed packages bring, and those in files.

    Raises:
        UnknownWorker: a reference names none.
    """
    yield from (Available(name, "built-in", worker) for name, worker in BUILT_IN.items())
    points = entry_points(group=GROUP)
    for name in sorted({point.name for point in points}):
        found = [point for point in points if point.name == name]
        origin = ", ".join(map(_origin, found))
        try:
            yield Available(name, origin, _installed(found))
        except UnknownWorker as error:
            yield Available(name, origin, None, str(error))
    for reference in references:
        worker = find(reference)
        yield Available(worker.name, reference, worker)


def _installed(points: Sequence[EntryPoint]) -> Worker:
    """The one worker that entry points of one name stand for."""
    name, origins = points[0].name, " and ".join(map(_origin, points))
    if name in BUILT_IN:
        raise UnknownWorker(f"{origins} brings a worker {name!r}, which is a built-in one: rename it there.")
    if len(points) > 1:
        raise UnknownWorker(f"{origins} bring a worker {name!r} each: uninstall one of them.")
    try:
        worker = points[0].load()
    except Exception as error:
        raise UnknownWorker(
            f"The worker {name!r} of {origins} cannot be loaded:{import_errors.told(error)}"
        ) from error
    if not isinstance(worker, Worker) or worker.name != name:
        is_what = f"called {worker.name!r}" if isinstance(worker, Worker) else "no function with @worker(…)"
        raise UnknownWorker(
            f"The entry point {name} = {points[0].value!r} of {origins} is {is_what}: "
            "name a worker there, as it is called."
        )
    return worker


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _in_file(path: Path, name: str) -> Worker:
    found = getattr(_imported(path), name, None)
    if not isinstance(found, Worker):
        raise UnknownWorker(
            f"{path} has no worker {name!r}: decorate a function of this name with @worker(…)."
        )
    if found.name in BUILT_IN:
        raise UnknownWorker(f"{path}:{name} is called {found.name!r} like a built-in worker: rename it.")
    return found


def _which(path: Path) -> str:
    """What there is to choose from in a file that is given alone."""
    found = [name for name, value in vars(_imported(path)).items() if isinstance(value, Worker)]
    if not found:
        return f"{path} has no worker: decorate a function with @worker(…)."
    return f"Which of its workers? {', '.join(f'{path}:{name}' for name in found)}."


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownWorker(f"There is no file {path}.")
    try:
        return _module(path.resolve())
    except Exception as error:
        raise UnknownWorker(f"{path} cannot be imported:{import_errors.told(error)}") from error


@cache
def _module(path: Path) -> ModuleType:
    """The module in a file, imported once; it may import its neighbours, as a script may, but never instead of us."""
    spec = importlib.util.spec_from_file_location(f"custom_worker_{path.stem}_{len(sys.modules)}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # the type hints of the worker's function are looked up there
    spec.loader.exec_module(module)
    return module
