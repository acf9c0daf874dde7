"""Why a file cannot be shown."""

from __future__ import annotations

from typing import ClassVar


class Unreadable(ValueError):
    """It is no MIDI file; the message goes on where its name ends, "is empty", and ``advice`` says what to do."""

    advice: ClassVar[str] = "inspect reads Standard MIDI Files (.mid)."


class TooLarge(Unreadable):
    """More than is read."""

    advice = "A library for MIDI files may read it; a song of ours has less than that."


class Damaged(Unreadable):
    """It begins as a MIDI file does, but is none."""

    advice = "Get it again; one of the store's is written anew by `midi-ingest replay --task ID --only render --yes`."

    def __init__(self, why: str) -> None:
        super().__init__(f"is damaged: {why}")
