"""One store by itself: deduplicate's batches, then keys that are there; its memory, its disk, and opening it again.

Each is measured in a process of its own, which prints its figures as JSON:
``python -m bench.state.stores CANDIDATE KEYS``.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from bench import report
from bench.state.candidates import CANDIDATES, Candidate
from bench.state.values import changes, key

BATCH: Final = 500
_HITS: Final = 50_000
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """Microseconds a key by the clock, and of CPU time; MiB of memory that came with the keys, and of disk."""

    store: str
    keys: int
    absent_us: float
    put_us: float
    cpu_us: float
    hit_us: float
    memory_mib: float
    disk_mib: float
    reopen_ms: float


def measure(keys: int, names: Iterable[str]) -> list[Row]:
    """Each candidate in turn."""
    rows = []
    for name in names:
        report.say(f"{name}: {keys:,} keys")
        command = [sys.executable, "-m", "bench.state.stores", name, str(keys)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        rows.append(Row(**json.loads(said)))
    return rows


def show(rows: Iterable[Row]) -> None:
    """Print the rows."""
    title = f"A key, in batches of {BATCH}: get it (it is absent), then put it"
    headings = ("get, absent µs", "put µs", "CPU µs", "get, there µs", "memory MiB", "disk MiB", "reopen ms")
    shown = report.table(title, "store", "keys", *headings)
    for row in rows:
        times = (row.absent_us, row.put_us, row.cpu_us, row.hit_us)
        sizes = (row.memory_mib, row.disk_mib, row.reopen_ms)
        shown.add_row(
            row.store, f"{row.keys:,}", *(f"{us:.1f}" for us in times), *(f"{size:,.0f}" for size in sizes)
        )
    report.show(shown)


def _measured(name: str, keys: int, folder: Path) -> Row:
    resident = _resident_mib()
    store = CANDIDATES[name](folder)
    absent_s = put_s = cpu_s = 0.0
    for start in range(0, keys, BATCH):
        batch = changes(range(start, min(start + BATCH, keys)))
        began, cpu = time.perf_counter(), _cpu_seconds()
        for change in batch:
            store.get(change.key)
        got = time.perf_counter()
        store.apply(batch)
        absent_s, put_s = absent_s + got - began, put_s + time.perf_counter() - got
        cpu_s += _cpu_seconds() - cpu
    hit_s = _hits(store, keys)
    memory = _resident_mib() - resident
    store.close()
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / _MIB
    began = time.perf_counter()
    again = CANDIDATES[name](folder)
    again.get(key(0))
    reopen_s = time.perf_counter() - began
    again.close()
    absent_us, put_us, cpu_us = (seconds * 1e6 / keys for seconds in (absent_s, put_s, cpu_s))
    hit_us = hit_s * 1e6 / _HITS
    return Row(name, keys, absent_us, put_us, cpu_us, hit_us, memory, disk, reopen_s * 1000)


def _hits(store: Candidate, keys: int) -> float:
    chosen = [key(number) for number in random.Random(1).choices(range(keys), k=_HITS)]  # noqa: S311
    began = time.perf_counter()
    for each in chosen:
        if store.get(each) is None:
            raise AssertionError(f"{each} was put and is not there")
    return time.perf_counter() - began


def _cpu_seconds() -> float:
    """Of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_mib() -> float:
    return float(psutil.Process().memory_info().rss) / _MIB


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="midi-ingest-bench-") as made:
        print(json.dumps(asdict(_measured(sys.argv[1], int(sys.argv[2]), Path(made)))))
