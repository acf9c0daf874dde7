"""The code blocks of a page, by what stands behind the backticks.

`python name.py` is a file; `sh` is run; `sh install` is not, since it fetches packages or takes over the machine's
ports; `text` is what the block of `sh` before it prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CUSTOM_WORKERS: Final = Path(__file__).parents[1] / "docs" / "custom-workers.md"
_BLOCK: Final = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of code; ``name`` is what stands behind its language."""

    language: str
    name: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page in their order."""
    return [Block(*(group or "" for group in found.groups())) for found in _BLOCK.finditer(page.read_text())]


def write_files(page: Path, folder: Path) -> list[str]:
    """Write the files of a page into a folder; their names."""
    files = [block for block in blocks(page) if "." in block.name]
    for block in files:
        (folder / block.name).write_text(block.text)
    return [block.name for block in files]
