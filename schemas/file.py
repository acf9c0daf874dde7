"""A rendered song."""

from __future__ import annotations

from typing import ClassVar

from schemas.message import Body, Topic


class MidiFile(Body, frozen=True):
    """A Standard MIDI File, type 1."""

    topic: ClassVar = Topic("files", cleanup="compact,delete")
    kind: ClassVar = "midi.file"
    content_type: ClassVar = "audio/midi"
