"""What an instrument's name means: a General MIDI program, or drums.

Names are compared as the ``[a-z0-9]`` of the lower-case name. ``gm_names.tsv`` holds the spellings of four
libraries (miditok's are the sender's), ``aliases.tsv`` everyday names. Programs are 0–127 as on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

FAMILY_SIZE: Final = 8
FAMILIES: Final = (
    "Piano",
    "Chromatic Percussion",
    "Organ",
    "Guitar",
    "Bass",
    "Strings",
    "Ensemble",
    "Brass",
    "Reed",
    "Pipe",
    "Synth Lead",
    "Synth Pad",
    "Synth Effects",
    "Ethnic",
    "Percussive",
    "Sound Effects",
)
"""General MIDI Level 1's families, eight programs each."""

SOUND_EFFECTS: Final = 120
"""The first program whose row lists noises ("Rain", "Door"): too common as words within other names."""

DRUM_WORDS: Final = frozenset(
    {"drum", "drums", "drumkit", "drumset", "kit", "perc", "percussion", "percussions"}
)


@dataclass(frozen=True, slots=True)
class Sound:
    """What an instrument plays: a program, or drums, whose program is 0."""

    program: int
    drums: bool = False


DRUMS: Final = Sound(0, drums=True)

_NO_ALIASES: Final[Mapping[str, int]] = MappingProxyType({})


class Names:
    """The names that are known, with a user's own aliases before all others."""

    def __init__(self, aliases: Mapping[str, int] = _NO_ALIASES) -> None:
        """Take a user's aliases: a name and its program each.

        Raises:
            ValueError: a program is not within 0–127, or a name has no letter a-z or digit to compare.
        """
        users = {_checked(name, program): program for name, program in aliases.items()}
        common = {_reduced(name): int(program) for name, program in _rows("aliases.tsv")}
        families = {_reduced(name): FAMILY_SIZE * index for index, name in enumerate(FAMILIES)}
        spellings = dict(_spellings())
        as_word = {name: program for name, program in spellings.items() if program < SOUND_EFFECTS}
        # Where several tables hold a name, the last one counts.
        self._names = families | common | spellings | users
        self._words = families | as_word | common | users

    def sound(self, name: str) -> Sound | None:
        """What plays under this name, or None where the name says nothing."""
        lowered = name.lower()
        program = self._names.get(_reduced(lowered))
        if program is not None:
            return Sound(program)
        words = re.findall("[a-z]+", lowered)
        if not DRUM_WORDS.isdisjoint(words):
            return DRUMS
        programs = [self._words[word] for word in words if word in self._words]
        return Sound(programs[-1]) if programs else None


def _reduced(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _checked(name: str, program: int) -> str:
    reduced = _reduced(name)
    if not reduced:
        raise ValueError(f"The alias {name!r} has no letter a-z or digit, by which names are compared.")
    if not 0 <= program <= 127:
        raise ValueError(f"The alias {name!r} has program {program}: programs are 0 to 127.")
    return reduced


def _spellings() -> Iterator[tuple[str, int]]:
    """Each spelling of `gm_names.tsv`; a cell that lists several counts whole and in its parts."""
    for program, *cells in _rows("gm_names.tsv"):
        for cell in cells:
            for spelling in {cell, *cell.split(",")}:
                yield _reduced(spelling), int(program)


def _rows(table: str) -> list[list[str]]:
    text = files("workers.music").joinpath(table).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


GENERAL_MIDI: Final = Names()
