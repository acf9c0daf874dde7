"""Why a file cannot be shown."""

from __future__ import annotations


class Unreadable(ValueError):
    """It is no MIDI file, or a damaged one; the message goes on where its name ends, "is empty"."""


def damaged(why: str) -> Unreadable:
    """What is said of a file that begins as a MIDI file does, but is none."""
    return Unreadable(f"is damaged: {why}")
