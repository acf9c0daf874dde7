"""`midi-ingest inspect`: what is in MIDI files, ours or anyone's."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from rich.console import Console

from midi_ingest.cli import USAGE, fail
from midi_ingest.errand import OutputFormat
from midi_ingest.inspection import summary
from midi_ingest.inspection.errors import TooLarge, Unreadable
from midi_ingest.inspection.palette import terminal_styles
from midi_ingest.inspection.reading import MAX_BYTES, read
from midi_ingest.inspection.roll import roll
from midi_ingest.inspection.song import Song
from midi_ingest.inspection.svg import drawing
from midi_ingest.inspection.whole_file import write_whole
from midi_ingest.terminal import console, print_json, visible

STANDARD_INPUT: Final = "-"


def _is_no_option(_type: object, name: str | None) -> None:
    if name and name.startswith("-") and name != STANDARD_INPUT:
        raise ValueError(f"There is no option {name}; a file of that name is written ./{name}")


First = Annotated[str, Parameter(name="FILE", allow_leading_hyphen=True, validator=_is_no_option)]
"""A name that may be a hyphen, which cyclopts else takes for an option."""
Picture = Annotated[str, Parameter(allow_leading_hyphen=True, validator=_is_no_option)]


def inspect(file: First, /, *files: str, svg: Picture | None = None, output: OutputFormat = "table") -> int:
    """Show what is in MIDI files: tracks, instruments, ranges, and a small piano roll.

    Any Standard MIDI File is read, by mido. Pitches are named so that C4 is 60, the middle C. Files that cannot be
    shown are told on standard error; the others are shown.

    Args:
        file: a MIDI file, or - for standard input.
        files: more MIDI files.
        svg: draw the piano roll as a picture, too: an SVG file of this name, in place of one that is there, unless that
            is a MIDI file.
        output: a table, or one JSON document.
    """
    if wrong := _wrong_usage((file, *files), svg):
        return fail(wrong, USAGE)
    code, documents = 0, []
    for name in (file, *files):
        try:
            data = _bytes(name)
            song = read(data)
        except (Unreadable, OSError) as error:
            code = max(code, _refuse(name, error))
            continue
        documents.append(summary.document(_decodable(name), len(data), song))
        if output == "table":
            _show(name, song)
        if svg:
            code = _draw(song, name, Path(svg))
            if not code and output == "table":
                print(f"Drawn in {visible(svg)}.")
    if output == "json":
        print_json({"files": documents})
    return code


def _wrong_usage(names: Sequence[str], svg: str | None) -> str | None:
    if "" in names:
        return "a name is empty: name a MIDI file, or - for standard input."
    if svg in {"", STANDARD_INPUT}:
        return "--svg writes a file, and nothing to standard output: name one, such as song.svg."
    if svg and len(names) > 1:
        return "--svg draws one file: name only one."
    return None


def _bytes(name: str) -> bytes:
    """What is in a file, or comes on standard input.

    Raises:
        OSError: it cannot be read.
        TooLarge: it is larger than `MAX_BYTES`.
    """
    if name == STANDARD_INPUT:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"is larger than {MAX_BYTES // 1024 // 1024} MiB, the most that inspect reads")
    return data


def _refuse(name: str, error: Unreadable | OSError) -> int:
    if isinstance(error, Unreadable):
        return fail(f"{_shown(name)} {error}. {error.advice}")
    why = error.strerror or error
    return fail(f"{_shown(name)} cannot be read: {why}. Name a MIDI file, or - for standard input.", USAGE)


def _shown(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else visible(name)


def _decodable(name: str) -> str:
    """A file's name, which may be any bytes, as JSON can have it: what is not UTF-8 is written as escapes."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _show(name: str, song: Song) -> None:
    styles = terminal_styles(song.parts)
    print(f"{_shown(name)}: {summary.kind(song)}", summary.figures(song), sep="\n")
    output = console()
    output.print("", summary.table(song, styles), "", sep="\n")
    if song.remarks:
        print(*song.remarks, "", sep="\n")
    if not song.note_count:
        print("No notes.")
    for line in roll(song, styles, Console().width):
        output.print(line, no_wrap=True)


def _draw(song: Song, name: str, path: Path) -> int:
    try:
        if _is_midi(path):
            return fail(
                f"{visible(str(path))} is a MIDI file, which --svg does not replace: name another.", USAGE
            )
        write_whole(path, drawing(song, Path(name).name))
    except OSError as error:
        return fail(
            f"{visible(str(path))} cannot be written: {error.strerror or error}. Name another file with --svg."
        )
    return 0


def _is_midi(path: Path) -> bool:
    """Whether a MIDI file is there: the one that is shown, by whatever name or link, or another."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"MThd"
