"""How far consumer groups are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from broker import clients
from broker.settings import KafkaSettings

COORDINATOR_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.2


class Groups:
    """Asks Kafka for the committed offsets of groups."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The next offset that a group will read, of each partition for which it has committed one.

        Raises:
            KafkaError: Kafka cannot be reached, or refuses.
        """
        offsets = await self._offsets(group)
        return {tp: committed.offset for tp, committed in offsets.items() if committed.offset >= 0}

    async def _offsets(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """The first question of all has Kafka make the topic for offsets, and comes too early for an answer."""
        deadline = time.monotonic() + COORDINATOR_SECONDS
        while True:
            try:
                offsets: dict[
                    TopicPartition, OffsetAndMetadata
                ] = await self._admin.list_consumer_group_offsets(group)
            except GroupCoordinatorNotAvailableError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return offsets


@asynccontextmanager
async def groups(settings: KafkaSettings) -> AsyncIterator[Groups]:
    """The groups of a cluster."""
    admin = clients.admin(settings)
    try:
        await admin.start()
        yield Groups(admin)
    finally:
        await admin.close()


def lag(
    committed: Mapping[TopicPartition, int],
    beginnings: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> int:
    """How many records a group has not handled yet, nearly, of the partitions whose ends are given.

    Offsets count the markers of transactions, too: the last one of each partition is left out, so that a group that
    has handled everything is not behind.
    """
    return sum(max(0, end - committed.get(tp, beginnings[tp]) - 1) for tp, end in ends.items())
