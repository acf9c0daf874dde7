"""Making a record safe: with Kafka, or else on this machine's disk."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import Final

from ingest.limits import Budget, Limit
from ingest.publishing.batches import Unavailable
from ingest.publishing.publisher import Publisher
from ingest.record import Record
from ingest.spool.errors import SpoolError
from ingest.spool.spool import Spool

REFUSING_SECONDS: Final = 5.0
"""For so long a refusal counts, unless a record is spooled: whoever is sent nothing must come back to be tried."""


class Delivery:
    """Publishes records; what Kafka does not acknowledge in time, or has no room for, goes to the spool, if any.

    ``budget`` bounds what waits for the spool. It is not Kafka's own: that is used up just when the spool is needed.
    A disk that takes longer than ``spool_timeout_seconds`` counts as broken.
    """

    def __init__(
        self,
        publisher: Publisher,
        spool: Spool | None,
        budget: Budget,
        spool_timeout_seconds: float,
    ) -> None:
        self._publisher, self._spool, self._budget = publisher, spool, budget
        self._spool_timeout_seconds = spool_timeout_seconds
        self._refused_at = -inf

    @property
    def refusing(self) -> bool:
        """Whether a record was refused within the last `REFUSING_SECONDS`, and none was spooled since."""
        return monotonic() - self._refused_at < REFUSING_SECONDS

    async def deliver(self, record: Record) -> None:
        """Return once the record is safe.

        Raises:
            Unavailable: it is not, though it may still arrive.
            TooLarge: Kafka refuses it for its size; in the spool it would wait for ever.
        """
        try:
            await self._publisher.publish(record)
        except Unavailable:
            if self._spool is None:
                raise
            try:
                await self._keep(self._spool, record)
            except Unavailable:
                self._refused_at = monotonic()
                raise
            self._refused_at = -inf

    async def _keep(self, spool: Spool, record: Record) -> None:
        length_bytes = len(record.value)
        if not self._budget.take(length_bytes):
            raise Unavailable("Too many callbacks wait for the spool.", Limit.SPOOL_BYTES)
        try:
            async with asyncio.timeout(self._spool_timeout_seconds):
                await spool.append(record)
        except SpoolError as error:
            raise Unavailable(f"Kafka takes nothing now. {error}", error.limit) from None
        except TimeoutError:
            raise Unavailable(
                "Kafka takes nothing now, and the spool's disk is too slow.", Limit.SPOOL_SECONDS
            ) from None
        finally:
            self._budget.give(length_bytes)
