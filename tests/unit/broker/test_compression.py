"""Producers compress with the level that we chose."""

from __future__ import annotations

import cramjam
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
    records = _batch(0, value)[_HEADER_BYTES:]
    assert _batch(_ZSTD, value)[_HEADER_BYTES:] == bytes(cramjam.zstd.compress(records, level=ZSTD_LEVEL))
    assert _batch(_ZSTD, value)[_HEADER_BYTES:] != bytes(cramjam.zstd.compress(records, level=3))
