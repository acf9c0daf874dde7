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
from typing import Final, NamedTuple

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
_TRANSACTIONAL: Final = 0x10


class Entry(NamedTuple):
    """A record to be; without a timestamp it gets the batch's: now."""

    key: bytes | None
    value: bytes | None
    headers: WireHeaders
    timestamp_ms: int | None = None


class RecordBatch:
    """Records of one partition; ``transactional`` where they are part of a transaction.

    It stands where `aiokafka.AIOKafkaProducer.send_batch` expects an `aiokafka.producer.BatchBuilder`, and has
    those of its methods that a producer calls.
    """

    def __init__(self, entries: Iterable[Entry], compression: str, *, transactional: bool = False) -> None:
        now_ms = time_ns() // 1_000_000
        self._first_ms = self._latest_ms = 0
        self._parts: list[bytes] = []
        self._count = 0
        for key, value, headers, timestamp_ms in entries:
            at_ms = now_ms if timestamp_ms is None else timestamp_ms
            if not self._count:
                self._first_ms = self._latest_ms = at_ms
            self._latest_ms = max(self._latest_ms, at_ms)
            self._parts += _encode(self._count, at_ms - self._first_ms, key, value, headers)
            self._count += 1
        self._compression, self._transactional = compression, transactional
        self._compressed: tuple[int, bytes] | None = None
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
        if self._compressed is not None:
            return _HEAD.size + _ABOUT.size + len(self._compressed[1])
        return _HEAD.size + _ABOUT.size + sum(map(len, self._parts))

    def compress(self) -> tuple[int, bytes]:
        """The codec and the compressed records. It is done when the batch is sent, if not before in another thread."""
        if self._compressed is None:
            self._compressed = compress(b"".join(self._parts), self._compression)
            self._parts.clear()
        return self._compressed

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:
        """The batch's bytes, for each time that it is sent; a repetition is the same as the first."""
        self.sends += 1
        if self._built is None:
            codec, records = self.compress()
            attributes = codec | (_TRANSACTIONAL if self._transactional else 0)
            when = (self._first_ms, self._latest_ms)
            about = _ABOUT.pack(attributes, self._count - 1, *when, *self._producer, self._count)
            checksum = google_crc32c.extend(google_crc32c.value(about), records)
            length = _HEAD.size - _UNCOUNTED_BYTES + len(about) + len(records)
            self._built = b"".join([_HEAD.pack(0, length, _NO_EPOCH, _VERSION, checksum), about, records])
        return self._built


def _encode(
    offset: int, later_ms: int, key: bytes | None, value: bytes | None, headers: WireHeaders
) -> tuple[bytes, bytes, bytes]:
    """A record in parts, the value as it is: it may be large. Its offset and time are told from the batch's first."""
    numbers = _NO_ATTRIBUTES + _varint(later_ms) + _varint(offset)
    before = b"".join((numbers, _length_of(key), key or b"", _length_of(value)))
    parts = [_varint(len(headers))]
    for name, of in headers:
        parts += (_name(name), _varint(len(of)), of)
    after = b"".join(parts)
    value = value or b""
    return _varint(len(before) + len(value) + len(after)) + before, value, after


def _length_of(value: bytes | None) -> bytes:
    return _varint(-1 if value is None else len(value))


@lru_cache(maxsize=4096)
def _varint(number: int) -> bytes:
    """A number as Protocol Buffers' zigzag varint."""
    left = number << 1 if number >= 0 else ~(number << 1)
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


@lru_cache(maxsize=256)
def _name(name: str) -> bytes:
    encoded = name.encode()
    return _varint(len(encoded)) + encoded
