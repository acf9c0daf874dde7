"""What a verified sender posts that is no callback: kept as a failure, once, and within bounds."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Final

from ingest.http.problems import unavailable
from ingest.limits import Budget, Limit, refused
from ingest.record import Record
from schemas import headers as h
from schemas import reasons
from schemas.topics import FAILURES, Layout
from telemetry import metrics
from telemetry.logs import logger

WORKER: Final = "ingest"
"""The name in ``error-worker``."""

KEYS_MAX: Final = 10_000
LINES_MAX: Final = 10
"""The log has no more lines of this in `LINES_SECONDS`; the next one tells how many were left out."""

LINES_SECONDS: Final = 10.0
_HOUR_SECONDS: Final = 60 * 60
_HOURS: Final = 24


class Quarantine:
    """Keeps bodies; what it kept it knows only since the process started, and the last `KEYS_MAX` of them.

    ``max_bytes`` may be kept within a day. ``make_safe`` makes a record safe, or raises. ``waiting`` bounds the
    bodies that wait for the end of an equal one.
    """

    def __init__(
        self,
        layout: Layout,
        max_bytes: int,
        make_safe: Callable[[Record], Awaitable[None]],
        waiting: Budget,
    ) -> None:
        self._topic = layout.name(FAILURES)
        self._max_bytes = max_bytes
        self._make_safe = make_safe
        self._waiting = waiting
        self._taken_bytes: dict[int, int] = {}
        """By the hour, for a day."""
        self._kept: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[bool]] = {}
        self._lines = _Lines()

    async def keep(self, body: bytes, why: str, headers: h.WireHeaders) -> bool:
        """Keep a body with the reason why it is no callback, unless the same bytes are kept already.

        Returns whether it is kept; it is not where the quota is used up.

        Raises:
            Problem: it could not be made safe.
        """
        key = hashlib.sha256(body).hexdigest().encode()
        if (same := self._under_way.get(key)) is not None:
            await self._wait_for(same, len(body))
        if key in self._kept:
            what = "repeat"
        elif (hour := self._take(len(body))) is not None:
            await self._keep_new(self._record(key, body, why, headers), hour)
            what = "kept"
        else:
            what = "refused"
            refused(Limit.QUARANTINE_BYTES)
        metrics.QUARANTINED.labels(what).inc()
        self._lines.write(what=what, reason=why, digest=key.decode(), bytes=len(body))
        return what != "refused"

    async def _wait_for(self, same: asyncio.Future[bool], length_bytes: int) -> None:
        if not self._waiting.take(length_bytes):
            refused(Limit.KAFKA_BYTES)
            raise unavailable("Too many callbacks wait until an equal one is safe.")
        try:
            is_safe = await asyncio.shield(same)
        finally:
            self._waiting.give(length_bytes)
        if not is_safe:
            raise unavailable("The same body could not be made safe just now.")

    async def _keep_new(self, record: Record, hour: int) -> None:
        """Make a record safe; who comes with the same body meanwhile waits for the end of this."""
        end = self._under_way[record.key] = asyncio.get_running_loop().create_future()
        try:
            await self._make_safe(record)
        except BaseException:
            self._taken_bytes[hour] -= len(record.value)
            end.set_result(False)
            raise
        else:
            self._remember(record.key)
            end.set_result(True)
        finally:
            del self._under_way[record.key]

    def _take(self, length_bytes: int) -> int | None:
        """Count so many bytes more in this hour, and return it; None where the day has no room for them."""
        hour = int(monotonic() // _HOUR_SECONDS)
        self._taken_bytes = {at: taken for at, taken in self._taken_bytes.items() if at >= hour - _HOURS}
        if sum(self._taken_bytes.values()) + length_bytes > self._max_bytes:
            return None
        self._taken_bytes[hour] = self._taken_bytes.get(hour, 0) + length_bytes
        return hour

    def _remember(self, key: bytes) -> None:
        self._kept[key] = None
        if len(self._kept) > KEYS_MAX:
            self._kept.popitem(last=False)

    def _record(self, key: bytes, body: bytes, why: str, headers: h.WireHeaders) -> Record:
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


class _Lines:
    """Lines of the log, of which a sender can cause only so many."""

    def __init__(self) -> None:
        self._begun_at = -inf
        self._written = 0
        self._left_out = 0

    def write(self, **told: object) -> None:
        """Write a line, or count it as left out."""
        now = monotonic()
        if now - self._begun_at >= LINES_SECONDS:
            self._begun_at, self._written = now, 0
        if self._written >= LINES_MAX:
            self._left_out += 1
            return
        if self._left_out:
            told["left_out"] = self._left_out
        logger().warning("quarantined", **told)
        self._written += 1
        self._left_out = 0
