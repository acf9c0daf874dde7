"""What might keep a lane's values: each with the same interface, in a folder of its own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from workers.runtime.state.checkpoint import Checkpoint
from workers.runtime.state.memory import MemoryStore
from workers.runtime.state.sqlite import SqliteStore
from workers.runtime.state.store import Change

WINDOW_MS: Final = 30 * 24 * 60 * 60 * 1000

_MIB: Final = 2**20
_CACHE_BYTES: Final = 4 * _MIB
_MEMTABLE_BYTES: Final = 8 * _MIB
_TIMESTAMP: Final = struct.Struct(">q")


class Candidate(Protocol):
    """What of a store is measured."""

    def get(self, key: str) -> Change | None:
        """The last change of a key."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes as one."""

    def close(self) -> None:
        """Let go of it."""


class RocksStore:
    """RocksDB through rocksdict: values by key, and keys by time so that they can expire."""

    def __init__(self, folder: Path) -> None:
        import rocksdict  # noqa: PLC0415 - only measured where it is installed

        self._rocksdict: Any = rocksdict
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(_MEMTABLE_BYTES)
        tables = rocksdict.BlockBasedOptions()
        tables.set_block_cache(rocksdict.Cache(_CACHE_BYTES))
        tables.set_bloom_filter(10, False)
        options.set_block_based_table_factory(tables)
        self._db = rocksdict.Rdict(str(folder / "rocks"), options)

    def get(self, key: str) -> Change | None:
        """The last change of a key."""
        stored = self._db.get(b"k" + key.encode())
        return Change(key, stored[8:], _TIMESTAMP.unpack_from(stored)[0]) if stored else None

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes as one."""
        batch = self._rocksdict.WriteBatch(raw_mode=True)
        for change in changes:
            key, timestamp = change.key.encode(), _TIMESTAMP.pack(change.timestamp_ms)
            batch.put(b"k" + key, timestamp + (change.value or b""))
            batch.put(b"t" + timestamp + key, b"")
        self._db.write(batch)

    def close(self) -> None:
        """Let go of it."""
        self._db.close()


def _sqlite(folder: Path) -> SqliteStore:
    """As a lane has it once its state is restored."""
    store = SqliteStore(folder / "store.sqlite3", WINDOW_MS)
    store.apply((), store.checkpoint or Checkpoint("topic", "shape", 0, 0))
    return store


CANDIDATES: Final[dict[str, Callable[[Path], Candidate]]] = {
    "dict": lambda _: MemoryStore(WINDOW_MS),
    "SQLite, a file": _sqlite,
    "SQLite, temporary": lambda _: SqliteStore(None, WINDOW_MS),
    "rocksdict": RocksStore,
}
