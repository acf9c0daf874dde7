"""The two ways of the music: note by note, and by columns, whatever the song's length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

from workers.music import normalize, score_record, smf

NEVER: Final = 1 << 60


@contextmanager
def by_columns() -> Iterator[None]:
    """Columns for songs however short; what their typed decode refuses is still read note by note."""
    with _columns_from(0, 1):
        yield


@contextmanager
def note_by_note() -> Iterator[None]:
    """No columns for songs however long."""
    with _columns_from(NEVER, NEVER):
        yield


@contextmanager
def _columns_from(size_bytes: int, notes: int) -> Iterator[None]:
    with (
        patch.object(normalize, "COLUMNS_FROM_BYTES", size_bytes),
        patch.object(score_record, "COLUMNS_FROM_BYTES", size_bytes),
        patch.object(smf, "COLUMNS_FROM_NOTES", notes),
    ):
        yield
