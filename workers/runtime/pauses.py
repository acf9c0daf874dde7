"""Pauses before another try: each twice as long as the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.5


def growing_pauses(longest_seconds: float) -> Iterator[float]:
    """Seconds, up to the longest, which then goes on for ever."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, longest_seconds)
