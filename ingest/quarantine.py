"""What a verified sender posts that is no callback: kept as a failure, once, and within bounds."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from ingest.record import Record
from schemas import headers as h
from schemas import reasons
from schemas.topics import FAILURES, Layout

WORKER: Final = "ingest"
"""The name in ``error-worker``."""

KEYS_MAX: Final = 10_000
_DAY_SECONDS: Final = 24 * 60 * 60


def key_of(body: bytes) -> bytes:
    """What a body is kept under: its SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest().encode()


class Quarantine:
    """Decides what is kept; it remembers the keys of what it kept since the process started.

    ``max_bytes`` may be kept at once, and as much again in the course of a day.
    """

    def __init__(self, layout: Layout, max_bytes: int) -> None:
        self._topic = layout.name(FAILURES)
        self._max_bytes = max_bytes
        self._left_bytes = float(max_bytes)
        self._counted_at = monotonic()
        self._kept: OrderedDict[bytes, None] = OrderedDict()

    def has(self, key: bytes) -> bool:
        """Whether the body with this key has been kept before."""
        return key in self._kept

    def take(self, length_bytes: int) -> bool:
        """Whether so many bytes more may be kept; if so, they count."""
        now = monotonic()
        refill = (now - self._counted_at) / _DAY_SECONDS * self._max_bytes
        self._left_bytes, self._counted_at = min(self._left_bytes + refill, self._max_bytes), now
        if length_bytes > self._left_bytes:
            return False
        self._left_bytes -= length_bytes
        return True

    def give(self, length_bytes: int) -> None:
        """Count bytes no longer: they could not be kept."""
        self._left_bytes += length_bytes

    def remember(self, key: bytes) -> None:
        """Keep the body with this key no second time."""
        self._kept[key] = None
        if len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)

    def record(self, key: bytes, body: bytes, why: str, headers: h.WireHeaders) -> Record:
        """The failure that a body becomes, with the reason in its headers."""
        now = datetime.now(UTC)
        at = h.timestamp(now)
        story = {
            h.ERROR_REASON: reasons.QUARANTINED,
            h.ERROR_MESSAGE: why,
            h.ERROR_WORKER: WORKER,
            h.ERROR_TIMESTAMP: str(int(now.timestamp() * 1000)),
            h.ERROR_ATTEMPTS: "1",
            h.ERROR_FIRST_AT: at,
            h.ERROR_LAST_AT: at,
        }
        return Record(self._topic, key, body, [*headers, *h.to_wire(story)])
