"""The bytes of a produce request, put together once.

aiokafka's schema joins each level anew: a record of 355 KB was copied nine times on its way out, and the request of a
few small ones took as long as their batches (docs/decisions/0009-the-ingress-writes-its-own-record-batches.md).
"""

from __future__ import annotations

import struct
from typing import Final

from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v7

_WANTED: Final = struct.Struct(">hii")
"""Acks, time-out in ms, number of topics."""

_COUNT: Final = struct.Struct(">i")
_PARTITION: Final = struct.Struct(">ii")
"""Its number, length of its records in bytes."""

_LENGTH: Final = struct.Struct(">h")
_NULL: Final = _LENGTH.pack(-1)


def encode_at_once() -> None:
    """Let all producers of this process put produce requests together at once.

    Raises:
        AttributeError: aiokafka knows a newer version of the request than this.
    """
    if ProduceRequest._CLASSES[-1] is not ProduceRequest_v7:  # noqa: SLF001 - else the change would be lost in silence
        raise AttributeError("aiokafka's newest produce request is not version 7")
    ProduceRequest_v7.encode = _encode


def _encode(request: ProduceRequest_v7) -> bytes:
    """The request as in https://kafka.apache.org/protocol#The_Messages_Produce, version 7."""
    topics = request.topics
    parts = [
        _text(request.transactional_id),
        _WANTED.pack(request.required_acks, request.timeout, len(topics)),
    ]
    for topic, partitions in topics:
        parts += (_text(topic), _COUNT.pack(len(partitions)))
        for partition, records in partitions:
            parts += (_PARTITION.pack(partition, len(records)), records)
    return b"".join(parts)


def _text(text: str | None) -> bytes:
    if text is None:
        return _NULL
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded
