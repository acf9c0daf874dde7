"""Which partition a key belongs to: as Kafka's own producers choose it, since others share the topics.

Kafka's default partitioner takes the MurmurHash2 of the key (``org.apache.kafka.common.utils.Utils.murmur2``)
without its sign, modulo the number of partitions.
"""

from __future__ import annotations

import struct
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_U32: Final = 0xFFFFFFFF
_WITHOUT_SIGN: Final = 0x7FFFFFFF


def partition(key: bytes, partitions: int) -> int:
    """The partition of a key, from 0."""
    return (murmur2(key) & _WITHOUT_SIGN) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2 with Kafka's seed, as an unsigned 32-bit number."""
    length = len(data)
    h = _SEED ^ length
    for k in struct.unpack_from(f"<{length >> 2}I", data):
        k = k * _M & _U32  # noqa: PLW2901 - the algorithm's own name for each word as it is mixed
        h = (h * _M ^ (k ^ k >> 24) * _M) & _U32
    if rest := data[length & ~3 :]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _U32
    h = (h ^ h >> 13) * _M & _U32
    return h ^ h >> 15
