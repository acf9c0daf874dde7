"""`midi-ingest instruments`: which names of instruments are known, and what a name means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from midi_ingest.cli import FAILED, USAGE, fail
from midi_ingest.errand import OutputFormat
from midi_ingest.settings import SettingsError, load
from midi_ingest.terminal import console, print_json, table, visible
from workers.music.aliases import is_text
from workers.music.names import DRUM_WORDS, DRUMS, FAMILIES, FAMILY_SIZE, PROGRAM_NAMES, Meaning, Names, Sound
from workers.music.parts import UNKNOWN

_UNKNOWN: Final = "unknown-instrument"


def instruments(*names: str, output: OutputFormat = "table") -> int:
    """List the names of instruments that are known; or tell of given names what each means, and by which rule.

    Exits 1 if one of the given names is unknown.

    Args:
        names: names of instruments, as callbacks have them.
        output: a table, or JSON.
    """
    try:
        known = load().instrument_names
    except SettingsError as error:
        return fail(str(error), USAGE)
    if wrong := [name for name in names if not is_text(name)]:
        return fail(f"{wrong[0]!r} is not in UTF-8, as names in callbacks are", USAGE)
    return _explain(names, known, output) if names else _list(known, output)


def _list(known: Names, output: OutputFormat) -> int:
    by_sound = defaultdict(list)
    for meaning in known:
        by_sound[meaning.sound].append({"name": meaning.known, "rule": meaning.rule})
    programs = [
        {
            "program": number,
            "name": name,
            "family": FAMILIES[number // FAMILY_SIZE],
            "known_as": by_sound[Sound(number)],
        }
        for number, name in enumerate(PROGRAM_NAMES)
    ]
    drums = {"words": DRUM_WORDS, "known_as": by_sound[DRUMS]}
    if output == "json":
        print_json({"programs": programs, "drums": drums})
    else:
        _show(programs, by_sound[DRUMS])
    return 0


def _show(programs: Iterable[dict[str, Any]], drums: Iterable[dict[str, str]]) -> None:
    rows = table("program", "name", "family", "also known as")
    for told in programs:
        number, name = told["program"], told["name"]
        last = number % FAMILY_SIZE == FAMILY_SIZE - 1
        rows.add_row(str(number), name, told["family"], _others(told["known_as"], name), end_section=last)
    rows.add_row("", "drums", "", _others(drums))
    console().print(rows)
    print(f"Drums are also names that are not listed and have one of the words {', '.join(DRUM_WORDS)}.")
    print("Of other names the last word counts that is listed: `midi-ingest instruments NAME` tells.")


def _others(known_as: Iterable[dict[str, str]], name: str = "") -> str:
    """The names that are known beside the program's own, without the cells that list several; a user's are marked."""
    return "; ".join(
        visible(one["name"]) + (" (yours)" if one["rule"] == "your alias" else "")
        for one in known_as
        if one["rule"] != "spelling" or not (one["name"] == name or ", " in one["name"])
    )


def _explain(names: Iterable[str], known: Names, output: OutputFormat) -> int:
    told = [_told(name, known.meaning(name)) for name in names]
    code = FAILED if any(one["warning"] for one in told) else 0
    if output == "json":
        print_json(told)
        return code
    rows = table("name", "plays", "by")
    for one in told:
        rows.add_row(visible(one["name"]), _plays(one), _rule(one))
    console().print(rows)
    if code:
        print("To have a name known: MIDI_INGEST_INSTRUMENT_ALIASES='NAME=PROGRAM'; see docs/instruments.md.")
    return code


def _told(name: str, meaning: Meaning | None) -> dict[str, Any]:
    sound = meaning.sound if meaning else UNKNOWN
    return {
        "name": name,
        "program": sound.program,
        "drums": sound.drums,
        "rule": meaning.rule if meaning else None,
        "known": meaning.known if meaning else None,
        "by_word": meaning is not None and meaning.by_word,
        "warning": None if meaning else _UNKNOWN,
    }


def _plays(told: dict[str, Any]) -> str:
    return "drums, on channel 10" if told["drums"] else f"{told['program']} {PROGRAM_NAMES[told['program']]}"


def _rule(told: dict[str, Any]) -> str:
    if told["warning"]:
        return f"nothing: it is unknown, with the warning {_UNKNOWN}"
    return f"{told['rule']} {told['known']!r}{', a word of it' if told['by_word'] else ''}"
