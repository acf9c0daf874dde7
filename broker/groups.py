"""How far consumer groups are."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata

from broker import clients
from broker.settings import KafkaSettings

COORDINATOR_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.2

_TOO_EARLY: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, partitions: Sequence[TopicPartition] | None = None
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What a group has committed of some partitions, an offset of -1 for nothing; or of all that it has committed.

    aiokafka's own overlooks an error of the whole group, and calls every error of a partition `NoError`.

    Raises:
        KafkaError: Kafka cannot be reached, does not know now, or refuses: then with the group's or the topic's name.
    """
    request = OffsetFetchRequest(group, None if partitions is None else _by_topic(partitions))
    response = await admin._send_request(request, await admin.find_coordinator(group))  # noqa: SLF001 - see above
    if response.error_code:
        raise for_code(response.error_code)(group)
    committed = {}
    for topic, answers in response.topics:
        for number, offset, metadata, error_code in answers:
            if error_code:
                raise for_code(error_code)(topic)
            committed[TopicPartition(topic, number)] = OffsetAndMetadata(offset, metadata)
    return committed


def _by_topic(partitions: Sequence[TopicPartition]) -> list[tuple[str, list[int]]]:
    numbers = defaultdict(list)
    for tp in partitions:
        numbers[tp.topic].append(tp.partition)
    return list(numbers.items())


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
                return await committed_offsets(self._admin, group)
            except _TOO_EARLY:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)


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
