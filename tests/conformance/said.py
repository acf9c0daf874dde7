r"""What a reader says of a file, one thing a line, and the song that it has heard by that.

==========================================  ==================================================================
``division TICKS``                          first of all: how many ticks a quarter note has
``track``                                   a track begins; what follows is in it, in the file's order
``name HEX``                                its name's bytes
``tempo TICK MICROSECONDS``                 of a quarter note
``program CHANNEL PROGRAM``                 channels are 1 to 16, programs 0 to 127
``on TICK CHANNEL PITCH VELOCITY``          a note begins, or ends if the velocity is 0
``note START END CHANNEL PITCH VELOCITY``   a whole note, of a reader that tells of nothing smaller
==========================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.score import Score
from tests.heard import Heard, Track, shortened, tracks_of


@dataclass(frozen=True, slots=True)
class Song:
    """What was heard: ``name`` is the first track's, a tempo has its tick and its microseconds a quarter note."""

    division: int
    name: str
    tempos: list[tuple[int, int]]
    tracks: list[Track]


def song_of(score: Score) -> Song:
    """What every reader has to find in the score's file."""
    return Song(480, shortened(score.task_id), [(0, 500_000)], tracks_of(score))


def song(lines: Iterator[str]) -> Song:
    """The song that a reader tells of; fails where a note hangs, or begins while it sounds."""
    division = int(next(lines).removeprefix("division "))
    tracks: list[_Track] = []
    for line in lines:
        word, *values = line.split(" ")
        if word == "track":
            tracks.append(_Track())
        else:
            tracks[-1].take(word, values)
    first, *others = tracks
    assert not first.notes
    return Song(division, first.name, first.tempos, [track.finished() for track in others])


@dataclass(slots=True)
class _Track:
    name: str = ""
    tempos: list[tuple[int, int]] = field(default_factory=list)
    programs: list[tuple[int, int]] = field(default_factory=list)
    notes: list[Heard] = field(default_factory=list)
    sounding: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def take(self, word: str, values: list[str]) -> None:
        if word == "name":
            self.name = bytes.fromhex(values[0]).decode()
            return
        numbers = list(map(int, values))
        match word:
            case "tempo":
                self.tempos.append((numbers[0], numbers[1]))
            case "program":
                self.programs.append((numbers[0], numbers[1]))
            case "on":
                self._on(*numbers)
            case "note":
                start, end, channel, pitch, velocity = numbers
                self.notes.append(Heard(channel, start, end, pitch, velocity))
            case _:
                raise ValueError(f"{word!r} is no word for what a reader finds")

    def _on(self, tick: int, channel: int, pitch: int, velocity: int) -> None:
        if velocity:
            assert (channel, pitch) not in self.sounding
            self.sounding[channel, pitch] = (tick, velocity)
        else:
            start, velocity = self.sounding.pop((channel, pitch))
            self.notes.append(Heard(channel, start, tick, pitch, velocity))

    def finished(self) -> Track:
        assert not self.sounding
        assert not self.tempos
        assert len(self.programs) <= 1
        channel, program = self.programs[0] if self.programs else (None, None)
        return Track(self.name, channel, program, sorted(self.notes))
