"""What hostile bodies take: CPU time and memory from the body to the file, by both ways of the music.

Each body goes the whole way, score, record, file, in a process of its own, made by forking one that has imported all;
it counts by how much its resident memory grows at the peak, as Linux tells it.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Annotated, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from bench import report
from bench.music import contestants
from bench.music.hostile import HOSTILE
from bench.music.memory import forget_peak, peak_bytes
from midi_ingest import samples
from schemas import reasons
from workers.music import score_record, smf
from workers.music.errors import InvalidPayload, TooLarge
from workers.music.normalize import normalize
from workers.music.score_record import ScoreRecord
from workers.runtime.writing import value_of

CPU_LIMIT_SECONDS: Final = 30
"""What takes longer is killed, and nothing is measured."""

COLUMNS: Final = "columns where they fit"
NOTE_BY_NOTE: Final = "note by note"

_MIB: Final = 2**20
_fork = multiprocessing.get_context("fork")

app = App(
    name="python -m bench.music.adversaries",
    help=__doc__,
    version_flags=[],
    default_parameter=Parameter(negative=""),
    help_epilogue="""Examples:

    python -m bench.music.adversaries
    python -m bench.music.adversaries "empty notes" "spaces" --mib 1""",
)


def _known(_: object, name: str) -> None:
    if name not in HOSTILE:
        raise ValueError(f"The bodies are: {'; '.join(HOSTILE)}.")


@dataclass(frozen=True, slots=True)
class Row:
    """One body: the seconds of CPU, the growth at the peak in bodies, and what it became."""

    adversary: str
    way: str
    body_mib: float
    cpu_seconds: float
    bodies: float
    ends_as: str


@app.default
def main(
    *names: Annotated[str, Parameter(name="BODY", validator=_known)],
    mib: Annotated[float, Parameter(validator=Number(gt=0))] = 8,
    json_: Annotated[bool, Parameter("json")] = False,
) -> None:
    """Measure, print a table, write JSON to bench/results.

    Args:
        names: which bodies; all, if none is given.
        mib: how large they are.
        json_: print JSON only, and write no file.
    """
    rows = list(measure(names or tuple(HOSTILE), int(mib * _MIB)))
    figures = [asdict(row) for row in rows]
    if json_:
        print(json.dumps(figures))
        return
    _show(rows)
    report.show(f"Written to {report.save('adversaries', {'mib': mib}, {'adversaries': figures})}")


def measure(names: Iterable[str], size_bytes: int) -> Iterator[Row]:
    """Each body by each way.

    Raises:
        RuntimeError: one raised what is no refusal, took too long, or ended its process.
    """
    _whole_way(samples.song("t1", 1000))  # all is imported
    for name in names:
        report.say(name)
        body = HOSTILE[name](size_bytes).encode()
        yield from (_in_a_fork(name, way, body) for way in (COLUMNS, NOTE_BY_NOTE))


def _in_a_fork(name: str, way: str, body: bytes) -> Row:
    here, there = _fork.Pipe(duplex=False)
    child = _fork.Process(target=_measure, args=(there, way, body))
    child.start()
    there.close()
    try:
        seconds, peak, ends_as = here.recv()
    except EOFError:
        child.join()
        raise RuntimeError(f"{name}, {way}: the process ended with {child.exitcode}") from None
    child.join()
    return Row(name, way, len(body) / _MIB, seconds, peak / len(body), ends_as)


def _measure(there: Connection, way: str, body: bytes) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_SECONDS, CPU_LIMIT_SECONDS))
    if way == NOTE_BY_NOTE:
        contestants.set_borders(contestants.NEVER, contestants.NEVER)
        vars(score_record)["COLUMNS_FROM_BYTES"] = contestants.NEVER
    before, began = forget_peak(), time.process_time()
    ends_as = _whole_way(body)
    there.send((time.process_time() - began, peak_bytes() - before, ends_as))


def _whole_way(body: bytes) -> str:
    """What becomes of a body: a reason, or a file of so many bytes."""
    try:
        record = value_of(ScoreRecord.of(normalize(body, "t1")))
    except InvalidPayload:
        return reasons.INVALID_PAYLOAD
    except TooLarge:
        return reasons.TOO_LARGE
    return f"a file of {len(smf.render(ScoreRecord.decode(record))):,} bytes"


def _show(rows: list[Row]) -> None:
    """Both ways of a body in one line."""
    headings = ("CPU s", "× the body", "note by note: CPU s", "× the body", "ends as")
    table = report.table("Hostile bodies", "body", *headings)
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        figures = (
            f"{figure:.{digits}f}"
            for row in (first, second)
            for figure, digits in ((row.cpu_seconds, 2), (row.bodies, 1))
        )
        table.add_row(first.adversary, *figures, first.ends_as)
    report.show(table)


if __name__ == "__main__":
    app()
