"""Records that an operator's command writes: a batch appears as a whole, or not at all.

All commands that use one name exclude each other. Who opens it settles what a killed one left half done, and whoever
was at it is fenced: its next batch fails and leaves nothing. So what is read after opening is certain.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced

from broker import clients
from broker.settings import KafkaSettings
from midi_ingest.process import Stopped
from schemas.headers import WireHeaders
from schemas.message import Topic

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0


class Write(NamedTuple):
    """A record to be."""

    topic: Topic
    partition: int
    key: bytes | None
    value: bytes | None
    headers: WireHeaders


class Transactions:
    """Writes batches, each as one transaction."""

    def __init__(self, producer: AIOKafkaProducer, settings: KafkaSettings) -> None:
        self._producer, self._layout = producer, settings.layout

    async def commit(self, writes: Sequence[Write]) -> None:
        """Write all of a batch, or nothing; after an error nothing more can be written.

        Raises:
            Stopped: another command of the same name has started meanwhile.
            KafkaError, TimeoutError: Kafka did not take it. Only whoever opens these transactions anew can tell
                whether it did after all.
        """
        try:
            async with asyncio.timeout(clients.TRANSACTION_TIMEOUT_MS / 1000):
                await self._producer.begin_transaction()
                acks = [await self._send(write) for write in writes]
                await asyncio.gather(*acks)  # a send that failed does not fail the transaction by itself
                await self._producer.commit_transaction()
        except ProducerFenced as error:
            raise Stopped(
                "another such command has started meanwhile, and this one has to give way"
            ) from error

    async def _send(self, write: Write) -> asyncio.Future[object]:
        ack: asyncio.Future[object] = await self._producer.send(
            self._layout.name(write.topic),
            key=write.key,
            value=write.value,
            partition=write.partition,
            headers=write.headers,
        )
        return ack


@asynccontextmanager
async def transactions(settings: KafkaSettings, name: str) -> AsyncIterator[Transactions]:
    """Transactions under the id ``<prefix><name>``."""
    producer = clients.producer(settings, transactional_id=settings.topic_prefix + name)
    try:
        async with asyncio.timeout(_START_SECONDS):
            await producer.start()
        yield Transactions(producer, settings)
    finally:
        with contextlib.suppress(
            KafkaError, OSError
        ):  # who cannot reach Kafka any more has nothing to do there
            await clients.end(producer, _STOP_SECONDS)
