"""A record batch as Kafka keeps it, made at once of records that are all there.

aiokafka's builder takes records one by one and has a CRC-32C in software. Of a callback of 355 KB that took a sixth
of all CPU time: docs/decisions/0009-the-ingress-writes-its-own-record-batches.md.

The format is Kafka's own, version 2: https://kafka.apache.org/documentation/#recordbatch
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from time import time_ns
from typing import Final

import google_crc32c

from broker.compression import compress
from schemas.headers import WireHeaders

_HEAD: Final = struct.Struct(">qiibI")
"""Base offset, length of what follows, leader epoch, version of the format, CRC-32C of what follows it."""

_ABOUT: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset, first and last timestamp, producer's id and epoch, base sequence, number of records."""

_UNCOUNTED_BYTES: Final = struct.calcsize(">qi")
_VERSION: Final = 2
_NO_EPOCH: Final = -1
_NO_ATTRIBUTES: Final = b"\0"


class RecordBatch:
    """Records of one partition, each a key, a value and headers, all with the timestamp of now.

    It stands where `aiokafka.AIOKafkaProducer.send_batch` expects an `aiokafka.producer.BatchBuilder`, and has
    those of its methods that a producer calls.
    """

    def __init__(self, records: Iterable[tuple[bytes, bytes, WireHeaders]], compression: str) -> None:
        self._timestamp_ms = time_ns() // 1_000_000
        self._parts: list[bytes] = []
        self._count = 0
        for key, value, headers in records:
            self._parts += _encode(self._count, key, value, headers)
            self._count += 1
        self._compression = compression
        self._producer: tuple[int, int, int] = (-1, -1, -1)
        self._built: bytes | None = None
        self.sends = 0
        """How often a producer has taken its bytes, to send them."""

    def record_count(self) -> int:
        """How many records there are."""
        return self._count

    def closed(self) -> bool:
        """Whether no record can be added."""
        return True

    def close(self) -> None:
        """Do nothing: it is closed."""

    def size(self) -> int:
        """How many bytes there are, before compression unless that is done."""
        if self._built is not None:
            return len(self._built)
        return _HEAD.size + _ABOUT.size + sum(map(len, self._parts))

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:
        """The batch's bytes, for each time that it is sent; a repetition is the same as the first."""
        self.sends += 1
        if self._built is None:
            attributes, records = compress(b"".join(self._parts), self._compression)
            self._parts.clear()
            when = self._timestamp_ms
            about = _ABOUT.pack(attributes, self._count - 1, when, when, *self._producer, self._count)
            checksum = google_crc32c.extend(google_crc32c.value(about), records)
            length = _HEAD.size - _UNCOUNTED_BYTES + len(about) + len(records)
            self._built = b"".join([_HEAD.pack(0, length, _NO_EPOCH, _VERSION, checksum), about, records])
        return self._built


def _encode(offset: int, key: bytes, value: bytes, headers: WireHeaders) -> tuple[bytes, bytes, bytes]:
    """A record in parts, the value as it is: it may be large."""
    # The timestamp is the batch's own, so its difference is 0.
    before = b"".join((_NO_ATTRIBUTES, _ZERO, _varint(offset), _varint(len(key)), key, _varint(len(value))))
    parts = [_varint(len(headers))]
    for name, of in headers:
        parts += (_name(name), _varint(len(of)), of)
    after = b"".join(parts)
    return _varint(len(before) + len(value) + len(after)) + before, value, after


@lru_cache(maxsize=4096)
def _varint(number: int) -> bytes:
    """A number from 0 as Protocol Buffers' zigzag varint."""
    left = number << 1
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


_ZERO: Final = _varint(0)


@lru_cache(maxsize=256)
def _name(name: str) -> bytes:
    encoded = name.encode()
    return _varint(len(encoded)) + encoded
