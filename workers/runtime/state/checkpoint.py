"""Up to where a store is complete, and whether that is still worth something.

A store holds, for each key, the last change before its position in the changelog, and perhaps later ones. To read on
from the position makes it complete, as long as the log has kept all that came behind it. A value that was deleted
leaves a tombstone, which Kafka removes after the topic's ``delete.retention.ms``: whoever comes later than that would
never learn of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Complete up to the offset ``position`` of the changelog with this id.

    Nothing behind the position was written before ``as_of_ms`` (Unix time). ``shape`` is that of the values.
    """

    topic_id: str
    shape: str
    position: int
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class Log:
    """One partition of a changelog as Kafka has it now: its first offset, and the one behind its last.

    ``topic_id`` is None where Kafka does not tell it: then it might be another topic of the same name.
    """

    topic_id: str | None
    beginning: int
    end: int
    tombstones_kept_ms: int


def why_cold(checkpoint: Checkpoint | None, shape: str, log: Log, now_ms: int) -> str | None:
    """Why a store has to be filled from the log's beginning; None if it can be read on from its position."""
    if checkpoint is None:
        return "there is no complete store"
    if checkpoint.shape != shape:
        return "the worker's values have another shape now"
    if checkpoint.topic_id != log.topic_id or checkpoint.position > log.end:
        return "it is another topic"
    if checkpoint.position < log.beginning:
        return "Kafka has deleted what came next"
    if now_ms - checkpoint.as_of_ms >= log.tombstones_kept_ms:
        return "the store is older than the topic keeps tombstones"
    return None


def shape_of(value_type: type[msgspec.Struct]) -> str:
    """Tells one shape of values from another.

    A store with values of another one is filled anew, so that each of them is decoded once before it is relied on.
    """
    schema = msgspec.json.encode(msgspec.json.schema(value_type))
    return hashlib.sha256(b"%d" % version_of(value_type) + schema).hexdigest()


def version_of(value_type: type[msgspec.Struct]) -> int:
    """The version of the values, ``version: ClassVar[int]`` in their type; 1 where it names none."""
    return int(getattr(value_type, "version", 1))
