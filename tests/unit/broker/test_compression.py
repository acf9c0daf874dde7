"""Producers compress with the level that we chose."""

from __future__ import annotations

import zstandard
from aiokafka.record.default_records import DefaultRecordBatchBuilder

import broker.clients  # noqa: F401 - what sets the level
from broker.compression import ZSTD_LEVEL
from midi_ingest.samples import song

_ZSTD = 4
_HEADER_BYTES = 61  # of a record batch, before what is compressed


def _batch(compression: int, value: bytes) -> bytes:
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, 0, 2**20)
    builder.append(0, 0, b"key", value, [])
    return bytes(builder.build())


def test_a_batch_is_compressed_with_our_level() -> None:
    value = song("t", 400, 1)
    records, compressed = (_batch(how, value)[_HEADER_BYTES:] for how in (0, _ZSTD))
    assert compressed == zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(records)
    assert compressed != zstandard.ZstdCompressor(level=3).compress(records)
