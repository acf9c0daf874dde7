"""Writes a file so that it is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8; a file that is there is replaced, and stays as it is if that fails.

    Raises:
        OSError: it cannot be written there, or something else than a file is there.
    """
    target = path.resolve()  # a link goes on leading to what it leads to
    if target.exists() and not target.is_file():
        raise FileExistsError(None, "it is no file", str(path))
    partial = target.with_name(f".{uuid4().hex}.partial")
    try:
        with partial.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
