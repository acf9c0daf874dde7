"""A rendered song."""

from __future__ import annotations

from typing import ClassVar

from schemas.message import Body, Topic


class MidiFile(Body, topic=Topic("files", cleanup="compact,delete"), kind="midi.file"):
    """A Standard MIDI File, type 1."""

    content_type: ClassVar = "audio/midi"
