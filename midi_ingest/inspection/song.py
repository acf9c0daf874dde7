"""What is in a MIDI file: its notes in seconds, by track and channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from midi_ingest.inspection.clock import Division, Tempo
from workers.music.channels import DRUM_CHANNEL
from workers.music.names import PROGRAM_NAMES


class Note(NamedTuple):
    """A note; its times are seconds."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one track plays on one channel, 1–16; a track that plays nothing has a part without a channel.

    ``programs`` are those that its notes are played with, in their order. Notes are sorted.
    """

    track: int
    name: str
    channel: int | None
    programs: Sequence[int]
    notes: Sequence[Note]

    @property
    def drums(self) -> bool:
        """Whether it plays drums, as all do on General MIDI's channel 10."""
        return self.channel == DRUM_CHANNEL

    @property
    def instrument(self) -> str:
        """What it plays, in General MIDI's words."""
        return "drums" if self.drums else ", ".join(PROGRAM_NAMES[program] for program in self.programs)

    @property
    def label(self) -> str:
        """Its name and its instrument, once where both are the same."""
        if self.name.strip().casefold() == self.instrument.casefold():
            return self.name.strip()
        return " · ".join(filter(None, (self.name.strip(), self.instrument)))

    @property
    def pitches(self) -> tuple[int, int] | None:
        """Its lowest and its highest pitch."""
        return _range([note.pitch for note in self.notes])

    @property
    def velocities(self) -> tuple[int, int] | None:
        """Its lowest and its highest velocity."""
        return _range([note.velocity for note in self.notes])

    @property
    def times(self) -> tuple[float, float] | None:
        """The seconds at which its first note starts and its last one ends."""
        return (self.notes[0].start, max(note.end for note in self.notes)) if self.notes else None


@dataclass(frozen=True, slots=True)
class Song:
    """A MIDI file; ``remarks`` are sentences on what is odd in it, ``seconds`` last until the end of its tracks."""

    type: int
    division: Division
    tempos: Sequence[Tempo]
    seconds: float
    track_count: int
    parts: Sequence[Part]
    remarks: Sequence[str]

    @property
    def note_count(self) -> int:
        """How many notes it has."""
        return sum(len(part.notes) for part in self.parts)

    @property
    def title(self) -> str:
        """The name of the first track, which in most files is the song's, and in ours the task's id."""
        return self.parts[0].name if self.parts else ""


def _range(numbers: Sequence[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None
