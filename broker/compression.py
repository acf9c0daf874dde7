"""Compression of records with zstd, and its level, which aiokafka has no setting for.

aiokafka's record builder asks for level 3. Level 1 takes a quarter to a third less time for callbacks and makes them no
larger: docs/decisions/0006-callbacks-are-compressed-with-zstd-1.md has the figures.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

import zstandard
from aiokafka.record.default_records import DefaultRecordBatchBuilder

ZSTD_LEVEL: Final = 1

_of_thread: Final = threading.local()
"""The compressor of each thread: to make one takes five times as long as to compress a callback of 1 KB."""

_NO_CODEC: Final = 0
_ZSTD_CODEC: Final = 4
"""As the attributes of a record batch name them."""


def compress(records: bytes, how: str) -> tuple[int, bytes]:
    """Records of one batch as ``MIDI_INGEST_COMPRESSION`` says, and the codec that its attributes name."""
    if how == "none":
        return _NO_CODEC, records
    return _ZSTD_CODEC, _zstd_encode(records)


def use_zstd_level() -> None:
    """Let all producers of this process compress with `ZSTD_LEVEL`.

    Raises:
        AttributeError: aiokafka's record builder does not call `zstd_encode` any more.
    """
    builder = sys.modules[DefaultRecordBatchBuilder.__module__]
    _ = builder.zstd_encode  # else the level would be lost in silence
    builder.zstd_encode = _zstd_encode  # type: ignore[attr-defined]


def _zstd_encode(payload: bytes) -> bytes:
    compressor: zstandard.ZstdCompressor | None = getattr(_of_thread, "compressor", None)
    if compressor is None:
        compressor = _of_thread.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return compressor.compress(payload)
