"""Which instruments stay: each with its name, its sound and the notes that stay of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from workers.music.names import Names, Sound
from workers.music.notes import Heard, read_notes
from workers.music.repairs import Code, Place, Repairs

UNKNOWN: Final = Sound(0)


@dataclass(frozen=True, slots=True)
class Part:
    """An instrument that stays; ``index`` is its place among the instruments as received."""

    index: int
    name: str
    sound: Sound
    notes: list[Heard]


def read_parts(instruments: list[object], names: Names, repairs: Repairs) -> list[Part]:
    """The instruments that stay, in the order received."""
    if not instruments:
        repairs.add("no-instruments", ())
    parts = (_read(instrument, index, names, repairs) for index, instrument in enumerate(instruments))
    return [part for part in parts if part is not None]


def _read(instrument: object, index: int, names: Names, repairs: Repairs) -> Part | None:
    if not (isinstance(instrument, dict) and isinstance(instrument.get("notes"), list | None)):
        repairs.add("not-an-object", (index,))
        return None
    notes = instrument.get("notes") or []
    if not notes:
        repairs.add("no-notes", (index,))
    name, sound = identify(instrument.get("name"), index, names, repairs.add)
    return Part(index, name, sound, read_notes(notes, index, repairs))


def identify(
    received: object, index: int, names: Names, warn: Callable[[Code, Place], None]
) -> tuple[str, Sound]:
    """What an instrument is called and what it plays; ``index`` is its place as received."""
    name = received if isinstance(received, str) else ""
    sound = names.sound(name)
    if sound is None:
        warn("unknown-instrument", (index,))
    return name, sound or UNKNOWN
