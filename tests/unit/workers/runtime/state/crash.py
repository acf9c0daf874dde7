"""A process that changes a store without end, and says how far it is, until it is killed.

Its argument is the store's file. Change number *n* puts *n* under the key *n* modulo 1,000; the checkpoint with it
is at position *n* + 1. Where the file has a checkpoint, it goes on from there, as from a changelog.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.sqlite import SqliteStore
from workers.runtime.state.store import Change

KEYS = 1_000
BATCH = 50


def change(number: int) -> Change:
    return Change(f"key-{number % KEYS}", b"%d" % number * 20, number)


def main(path: Path) -> None:
    store = SqliteStore(path, 10**9)
    first = store.checkpoint.position if store.checkpoint else 0
    if store.checkpoint is None:
        store.clear()
    for start in count(first, BATCH):
        numbers = range(start, start + BATCH)
        store.apply(list(map(change, numbers)), Checkpoint("topic", "shape", numbers.stop, 0))
        os.write(1, b"%d\n" % start)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
