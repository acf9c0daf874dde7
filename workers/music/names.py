"""What an instrument's name means: a General MIDI program, or drums.

Names are compared as the ``[a-z0-9]`` of the lower-case name. ``gm_names.tsv`` holds the spellings of four
libraries (miditok's are the sender's), ``aliases.tsv`` everyday names. Programs are 0–127 as on the wire.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final, Literal

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

DRUM_WORDS: Final = ("drum", "drums", "drumkit", "drumset", "kit", "perc", "percussion", "percussions")

_OTHERS: Final = re.compile("[^a-z0-9]+")
_WORD: Final = re.compile("[a-z]+")


@dataclass(frozen=True, slots=True)
class Sound:
    """What an instrument plays: a program, or drums, whose program is 0."""

    program: int
    drums: bool = False


DRUMS: Final = Sound(0, drums=True)

Alias = tuple[str, Sound]
"""A user's own name for a sound."""

Rule = Literal["your alias", "spelling", "alias", "family", "drum word"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means, and by which rule.

    ``known`` is what it was found by, as it is written in its table. With ``by_word`` that is not all of the name, but
    the last of its words that is known by itself.
    """

    sound: Sound
    rule: Rule
    known: str
    by_word: bool = False


_DRUM_WORDS: Final = {word: Meaning(DRUMS, "drum word", word) for word in DRUM_WORDS}


class Names:
    """The names that are known, with a user's own aliases before all others."""

    def __init__(self, aliases: Iterable[Alias] = ()) -> None:
        """Take a user's aliases. One without a letter a-z, such as ``Скрипка``, is compared whole.

        Raises:
            ValueError: a program is not within 0–127, a name is blank, or two that are compared alike mean two sounds.
        """
        self._in_full, users = _users(aliases)
        self._longest = max(map(len, self._in_full), default=0)
        spellings, common, families = _spellings(), _aliases(), _families()
        as_word = {key: known for key, known in spellings.items() if known.sound.program < SOUND_EFFECTS}
        # Where several tables hold a name, the last one counts.
        self._names = families | common | spellings | users
        words = families | as_word | common | users
        self._words = {key: replace(known, by_word=True) for key, known in words.items()}

    def sound(self, name: str) -> Sound | None:
        """What plays under this name, or None where the name says nothing."""
        meaning = self.meaning(name)
        return meaning.sound if meaning else None

    def meaning(self, name: str) -> Meaning | None:
        """What plays under this name and by which rule, or None where the name says nothing."""
        lowered = name.lower()
        return self._found_in_full(name) or self._names.get(_letters(lowered)) or self._by_words(lowered)

    def __iter__(self) -> Iterator[Meaning]:
        """Each name that is known as a whole, by the rule that holds for it."""
        yield from self._in_full.values()
        yield from self._names.values()

    def _found_in_full(self, name: str) -> Meaning | None:
        if not self._in_full:
            return None
        # Folding shortens no text, and takes quadratic time for some: what is too long for any alias is left alone.
        stripped = name.strip()
        return self._in_full.get(_folded(stripped)) if len(stripped) <= self._longest else None

    def _by_words(self, lowered: str) -> Meaning | None:
        """Drums, if one of the words says so; else what the last word means that is known by itself."""
        last = None
        for match in _WORD.finditer(lowered):
            word = match.group()
            if word in _DRUM_WORDS:
                return _DRUM_WORDS[word]
            last = self._words.get(word, last)
        return last


def _letters(lowered: str) -> str:
    """What names are compared by."""
    return _OTHERS.sub("", lowered)


def _folded(name: str) -> str:
    """What names are compared by that are compared whole: without regard to case or to how accents are encoded."""
    return unicodedata.normalize("NFD", name.casefold())


def _users(aliases: Iterable[Alias]) -> tuple[dict[str, Meaning], dict[str, Meaning]]:
    """A user's aliases: those that are compared whole, and the others."""
    in_full: dict[str, Meaning] = {}
    by_letters: dict[str, Meaning] = {}
    for name, sound in aliases:
        _check(name, sound)
        letters = _letters(name.lower())
        if _has_other_letters_only(name, letters):
            known = in_full.setdefault(_folded(name.strip()), Meaning(sound, "your alias", name))
        else:
            known = by_letters.setdefault(letters, Meaning(sound, "your alias", name))
        if known.sound != sound:
            raise ValueError(
                f"the aliases {known.known!r} and {name!r} are compared alike, but mean two sounds: keep one of them"
            )
    return in_full, by_letters


def _check(name: str, sound: Sound) -> None:
    if not name.strip():
        raise ValueError(f"the alias {name!r} is blank: name an instrument")
    if not 0 <= sound.program <= 127:
        raise ValueError(f"the alias {name!r} has program {sound.program}: programs are 0 to 127")


def _has_other_letters_only(name: str, letters: str) -> bool:
    """Whether nothing, or no more than a number, would be left of a name to compare it by: 鋼琴, Скрипка 2."""
    return not letters or (letters.isdecimal() and any(map(str.isalpha, name)))


def _spellings() -> dict[str, Meaning]:
    """Each spelling of `gm_names.tsv`; a cell that lists several counts whole and in its parts."""
    spellings: dict[str, Meaning] = {}
    for program, *cells in _rows("gm_names.tsv"):
        for cell in cells:
            for spelling in (*cell.split(", "), cell):
                meaning = Meaning(Sound(int(program)), "spelling", spelling)
                spellings.setdefault(_letters(spelling.lower()), meaning)
    return spellings


def _aliases() -> dict[str, Meaning]:
    return {_letters(name): Meaning(Sound(int(at)), "alias", name) for name, at in _rows("aliases.tsv")}


def _families() -> dict[str, Meaning]:
    """Each family's name, which means its first program."""
    first = range(0, 128, FAMILY_SIZE)
    return {
        _letters(name.lower()): Meaning(Sound(program), "family", name)
        for program, name in zip(first, FAMILIES, strict=True)
    }


def _rows(table: str) -> list[list[str]]:
    text = files("workers.music").joinpath(table).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


GENERAL_MIDI: Final = Names()

PROGRAM_NAMES: Final = tuple(cells[0].split(", ")[0] for _, *cells in _rows("gm_names.tsv"))
"""What the sender calls each program; of the noises in one program, the first."""
