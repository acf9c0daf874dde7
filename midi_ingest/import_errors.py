"""What is said of somebody's code that cannot be imported: their lines, never ours or those of the machinery."""

from __future__ import annotations

import importlib
import sysconfig
import traceback
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Final

from midi_ingest.shadowing import HOME, OURS
from midi_ingest.terminal import short

_SHOWN_FRAMES: Final = 3
_OURS: Final = tuple(HOME / name for name in (*OURS, "midi_ingest"))
_MACHINERY: Final = (Path(importlib.__file__).parent,)
_INSTALLED: Final = tuple(
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def told(error: Exception) -> str:
    """What is wrong: in one line where we, or Python's import, refused what one of theirs says; else with their stack.

    Of a stack it is the end, in their own code where that is a file of theirs and no installed package.
    """
    stack = TracebackException.from_exception(error, compact=True).stack
    theirs = _theirs(stack)
    remedy = _remedy(error)
    refused = type(error) in {TypeError, ValueError} and _is_below(stack[-1], _OURS)
    if theirs and (refused or remedy):
        return f" {short(Path(theirs[-1].filename))}:{theirs[-1].lineno}: {error}{remedy}"
    lines = [
        *StackSummary.from_list(theirs[-_SHOWN_FRAMES:]).format(),
        *traceback.format_exception_only(error),
    ]
    return "\n" + "".join(lines).rstrip()


def _theirs(stack: StackSummary) -> list[FrameSummary]:
    """Frames in files of theirs; where it is an installed package that fails, those in installed packages."""
    others = [f for f in stack if not (_is_below(f, _OURS + _MACHINERY) or f.filename.startswith("<"))]
    return [f for f in others if not _is_below(f, _INSTALLED)] or others


def _remedy(error: Exception) -> str:
    """What to do about an import that fails by how we import; nothing is said where that is not so."""
    if not isinstance(error, ImportError):
        return ""
    if "relative import" in str(error):
        return (
            ". A file that is given by its path belongs to no package: let it import absolutely, or install the "
            "package and give the name of an entry point (docs/custom-workers.md, In production)"
        )
    package, _, inner = (error.name or "").partition(".")
    if package in OURS and (inner == "" or isinstance(error, ModuleNotFoundError)):
        return (
            f". The package {package!r} is midi-ingest's own, and a folder of yours that is called so cannot be "
            "imported from: give it another name"
        )
    return ""


def _is_below(frame: FrameSummary, places: tuple[Path, ...]) -> bool:
    return any(Path(frame.filename).is_relative_to(place) for place in places)
