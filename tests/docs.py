"""The code blocks of a page, by what stands behind the backticks.

`python name.py` is a file; `sh` is run; `sh install` is not, since it fetches packages or takes over the machine's
ports; `text` is what the block of `sh` before it prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parents[1] / "docs"
CUSTOM_WORKERS: Final = _DOCS / "custom-workers.md"
DOCKER: Final = _DOCS / "docker.md"
INSTRUMENTS: Final = _DOCS / "instruments.md"
MESSAGES: Final = _DOCS / "messages.md"
OBJECT_STORES: Final = _DOCS / "object-stores.md"
_BLOCK: Final = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW: Final = re.compile(r"^\| `([\w-]+)` \|", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block of code; ``name`` is what stands behind its language."""

    language: str
    name: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page in their order."""
    return [Block(*(group or "" for group in found.groups())) for found in _BLOCK.finditer(page.read_text())]


def block(page: Path, name: str) -> Block:
    """The one block of this name."""
    (found,) = (one for one in blocks(page) if one.name == name)
    return found


def write_files(page: Path, folder: Path) -> list[str]:
    """Write the files of a page into a folder; their names."""
    files = [block for block in blocks(page) if "." in block.name]
    for block in files:
        (folder / block.name).write_text(block.text)
    return [block.name for block in files]


def names(page: Path) -> dict[str, list[str]]:
    """What stands in the first column of the tables below each heading of the third level."""
    sections = re.split(r"^### (\w+)$", page.read_text(), flags=re.MULTILINE)[1:]
    return {heading: _ROW.findall(text) for heading, text in zip(sections[::2], sections[1::2], strict=True)}
