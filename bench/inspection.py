"""What `midi-ingest inspect` takes of hostile files: CPU time, memory, and how large its JSON and its picture become.

Each file has as many events as one may have that is read, and is inspected in processes of its own, as on a terminal
of 400 columns.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from midi_ingest.inspection.reading import MAX_EVENTS, MAX_PARTS

_OTHER_EVENTS: Final = 3
"""So many at most stand before and after those that a file is full of."""
_MIB: Final = 2**20

app = App(
    name="python -m bench.inspection",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.inspection
    python -m bench.inspection "notes without an end" --events 50000""",
)


def _file(*tracks: bytes, kind: int = 1, division: int = 480) -> bytes:
    header = struct.pack(">4sIHHH", b"MThd", 6, kind, len(tracks), division)
    ended = (track + b"\0\xff\x2f\0" for track in tracks)
    return header + b"".join(struct.pack(">4sI", b"MTrk", len(track)) + track for track in ended)


def _endless(events: int) -> bytes:
    return _file(b"\0\x90\x3c\x40" + b"\1\x3c\x40" * events, division=1)


def _long(events: int) -> bytes:
    return _file(b"\0\x90\x3c\x40" + b"\xff\xff\xff\x7f\x3c\x40" * events)


def _read_twice(events: int) -> bytes:
    """The last event is one that mido takes on a second try only."""
    return _file(b"\0\x90\x3c\x40" + b"\1\x3c\x40" * events + b"\0\xf7\1\xff", division=1)


def _short(events: int) -> bytes:
    """Notes of all pitches, loudnesses and colours, few of which cover another."""
    notes = ((0x90 | n % 16, n * 37 % 128, n * 61 % 127 + 1) for n in range(events // 2))
    return _file(
        b"".join(bytes((1, on, pitch, velocity, 1, on, pitch, 0)) for on, pitch, velocity in notes),
        division=32,
    )


def _tempos(events: int) -> bytes:
    return _file(b"".join(b"\1\xff\x51\3" + (n * 7919 % 2**24).to_bytes(3, "big") for n in range(events)))


def _metas(events: int) -> bytes:
    return _file(b"\1\xff\x60\3abc" * events)


def _programs(events: int) -> bytes:
    return _file(b"".join(bytes((1, 0xC0 | n % 16, n * 37 % 128)) for n in range(events)))


def _parts(events: int) -> bytes:
    """As many parts as may be, each with a long name."""
    count = MAX_PARTS * events // MAX_EVENTS // 16
    name = b"\0\xff\3\x87\x68" + b"\x1b" * 1000
    notes = b"".join(bytes((0, 0x90 | channel, 60, 64)) for channel in range(16))
    return _file(*[name + notes + b"\1\x3c\x40" * (events // count - 20)] * count)


def _songs(events: int) -> bytes:
    """As many tracks as may be, with tempos of their own."""
    tempos = b"\0\xff\x51\3\1\2\3" * 10
    song = tempos + b"\0\x90\x3c\x40" + b"\1\x3c\x40" * 20
    return _file(*[song] * (MAX_PARTS * events // MAX_EVENTS), kind=2)


HOSTILE: Final[Mapping[str, Callable[[int], bytes]]] = {
    "notes without an end": _endless,
    "notes without an end, read twice": _read_twice,
    "a song of 4,700 years": _long,
    "short notes everywhere": _short,
    "tempos": _tempos,
    "unknown metas": _metas,
    "programs": _programs,
    "parts with long names": _parts,
    "songs in one file": _songs,
}


def _known(_: object, name: str) -> None:
    if name not in HOSTILE:
        raise ValueError(f"The files are: {'; '.join(HOSTILE)}.")


@dataclass(frozen=True, slots=True)
class Row:
    """One file, as a table, and as JSON with a picture."""

    file: str
    file_bytes: int
    table_cpu_seconds: float
    table_peak_mib: float
    cpu_seconds: float
    peak_mib: float
    json_bytes: int
    svg_bytes: int


@app.default
def main(
    *names: Annotated[str, Parameter(name="FILE", validator=_known)],
    events: Annotated[int, Parameter(validator=Number(gte=10_000, lte=MAX_EVENTS))] = MAX_EVENTS,
    json_: Annotated[bool, Parameter("json")] = False,
) -> None:
    """Measure, print a table, write JSON to bench/results.

    Args:
        names: which files; all, if none is given.
        events: how many events they have, about.
        json_: print JSON only, and write no file.
    """
    rows = list(measure(names or tuple(HOSTILE), events))
    figures = [asdict(row) for row in rows]
    if json_:
        print(json.dumps(figures))
        return
    _show(rows)
    report.show(f"Written to {report.save('inspection', {'events': events}, {'files': figures})}")


def measure(names: Iterable[str], events: int) -> Iterator[Row]:
    """Each file.

    Raises:
        RuntimeError: one is not inspected.
    """
    with tempfile.TemporaryDirectory() as directory:
        song, told, picture = (Path(directory) / name for name in ("song.mid", "told.json", "song.svg"))
        for name in names:
            report.say(name)
            song.write_bytes(HOSTILE[name](events - _OTHER_EVENTS))
            table = _inspected([song], told)
            drawn = _inspected([song, "--output", "json", "--svg", picture], told)
            yield Row(name, song.stat().st_size, *table, *drawn, told.stat().st_size, picture.stat().st_size)


def _inspected(arguments: Iterable[str | Path], told: Path) -> tuple[float, float]:
    """The seconds of CPU and the MiB that it takes, as Linux tells them of a child."""
    command = [sys.executable, "-m", "midi_ingest", "inspect", *map(str, arguments)]
    with told.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, env=os.environ | {"COLUMNS": "400"})
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"inspect ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / _MIB


def _show(rows: Iterable[Row]) -> None:
    table = report.table(
        "Hostile files",
        "file",
        "MB",
        "table: CPU s",
        "MiB",
        "JSON and SVG: CPU s",
        "MiB",
        "JSON MB",
        "SVG MB",
    )
    for row in rows:
        table.add_row(
            row.file,
            f"{row.file_bytes / 1e6:.1f}",
            f"{row.table_cpu_seconds:.1f}",
            f"{row.table_peak_mib:.0f}",
            f"{row.cpu_seconds:.1f}",
            f"{row.peak_mib:.0f}",
            f"{row.json_bytes / 1e6:.2f}",
            f"{row.svg_bytes / 1e6:.2f}",
        )
    report.show(table)


if __name__ == "__main__":
    app()
