"""A user's aliases as text: `Fiddle=40, Beatbox=drums`."""

from __future__ import annotations

import difflib
import re
from typing import Final

from workers.music.names import GENERAL_MIDI, Alias, Sound

_PROGRAM: Final = re.compile("[0-9]{1,3}")


def read_aliases(text: str) -> tuple[Alias, ...]:
    """Aliases separated by commas; each a name, = and what it means: a program, a name that is known, or drums.

    Raises:
        ValueError: one is not written so, or means nothing; the message names it.
    """
    return tuple(_read(part.strip()) for part in text.split(",") if part.strip())


def is_text(given: str) -> bool:
    """Whether it can be a name: what Python cannot read as UTF-8 of its environment becomes lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in given)


def _read(written: str) -> Alias:
    if not is_text(written):
        raise ValueError(f"the alias {written!r} is not in UTF-8, as names in callbacks are")
    name, _, meaning = (part.strip() for part in written.rpartition("="))
    if not name:
        raise ValueError(f"{written!r} is no alias: expected a name, = and what it means, as in Fiddle=40")
    return name, _sound(name, meaning)


def _sound(name: str, meaning: str) -> Sound:
    if _PROGRAM.fullmatch(meaning):
        return Sound(int(meaning))
    found = GENERAL_MIDI.meaning(meaning)
    # A word within another name would do for a song, but here it would hide a mistake: New Age Pad is not Pad 2 (warm).
    if found is None or found.by_word:
        raise ValueError(
            f"the alias {name!r} means {meaning!r}, which is no known name.{_hint(meaning)} Expected a program from 0 "
            "to 127, a name that `midi-ingest instruments` lists without this setting, or drums"
        )
    return found.sound


def _hint(meaning: str) -> str:
    known = {found.known.lower(): found.known for found in GENERAL_MIDI}
    near = difflib.get_close_matches(meaning.lower(), known, n=1, cutoff=0.75)
    return f" Did you mean {known[near[0]]}?" if near else ""
