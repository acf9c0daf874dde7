"""Memory: by how much a process grows at its peak, from a body that it holds to the file.

Each contestant is measured in a process of its own, which prints its figures as JSON:
``python -m bench.music.memory CONTESTANT NOTES``. What counts is the resident memory at its highest, as Linux tells it,
not what tracemalloc sees: orjson has an allocator of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from bench import report
from bench.music import contestants
from bench.music.contest import Writer
from bench.music.song import song

CONTESTANTS: Final[Mapping[str, Writer]] = {
    "orjson and mido": contestants.mido_from_body,
    "ours, note by note": contestants.note_by_note_from_body,
    "ours": contestants.ours_from_body,
}
_WARM_UP_NOTES: Final = 1000
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """The growth at the peak, in MiB and in bodies."""

    contestant: str
    notes: int
    body_mib: float
    peak_mib: float
    bodies: float


def measure(counts: Iterable[int]) -> list[Row]:
    """Each contestant with songs of each length."""
    return [_in_a_process(name, count) for count in counts for name in CONTESTANTS]


def show(shown: Iterable[Row]) -> None:
    """Print the rows."""
    table = report.table(
        "Peak memory above the body", "contestant", "notes", "body MiB", "peak MiB", "× the body"
    )
    for row in shown:
        table.add_row(
            row.contestant,
            f"{row.notes:,}",
            f"{row.body_mib:.1f}",
            f"{row.peak_mib:.1f}",
            f"{row.bodies:.1f}",
        )
    report.show(table)


def _in_a_process(name: str, count: int) -> Row:
    report.say(f"Memory: {name}, {count:,} notes")
    command = [sys.executable, "-m", "bench.music.memory", name, str(count)]
    said = subprocess.run(command, input=song(count).body, check=True, stdout=subprocess.PIPE).stdout
    return Row(**json.loads(said))


def _measured(name: str, count: int, body: bytes) -> Row:
    warm_up = song(_WARM_UP_NOTES)
    CONTESTANTS[name](warm_up)  # all is imported
    before = forget_peak()
    CONTESTANTS[name](replace(warm_up, body=body))
    peak = peak_bytes() - before
    return Row(name, count, len(body) / _MIB, peak / _MIB, peak / len(body))


def forget_peak() -> int:
    """Make the peak what is held now, and return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """The resident memory of this process at its highest."""
    [peak] = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(peak) * 1024


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()))))
