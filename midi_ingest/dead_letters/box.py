"""The dead-letter topic with what became of each letter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from broker.settings import KafkaSettings
from midi_ingest.dead_letters.letter import Letter, letter_in, parse_id
from midi_ingest.errand import Usage
from midi_ingest.process import Stopped
from midi_ingest.scan import Reader, partitions_of
from schemas.dead_letter import DeadLetterStatus
from schemas.topics import DEAD_LETTER

Statuses = Mapping[str, DeadLetterStatus]
"""What became of letters, by the keys of their statuses."""


class Box:
    """Reads letters with their statuses; the statuses are those at the time of `open_box`."""

    def __init__(self, settings: KafkaSettings, reader: Reader, statuses: Statuses) -> None:
        self._settings, self._reader = settings, reader
        self.statuses = statuses

    async def letters(self, since: datetime | None = None) -> AsyncIterator[Letter]:
        """All letters of some time or later, each partition's in order."""
        async for record in self._reader.scan(partitions_of(self._settings, DEAD_LETTER), since):
            yield self.letter(record)

    async def record(self, letter_id: str) -> ConsumerRecord[bytes, bytes]:
        """The record of one letter, by an id of a `Scope`.

        Raises:
            Usage: there is no such partition.
            Stopped: there is no such letter.
        """
        partition, offset = parse_id(letter_id)
        if partition >= self._settings.partitions:
            raise Usage(
                f"There is no letter {letter_id}: partitions are 0 to {self._settings.partitions - 1}."
            )
        tp = self.place(partition)
        first, end = (await self._reader.beginnings([tp]))[tp], (await self._reader.ends([tp]))[tp]
        found = await self._reader.fetch(tp, [offset]) if first <= offset < end else {}
        if offset not in found:
            raise Stopped(
                f"There is no letter {letter_id}: {tp.topic} has offsets {first} to {end - 1} in this partition, "
                "not all of them letters."
                if first < end
                else f"There is no letter {letter_id}: {tp.topic} is empty in this partition."
            )
        return found[offset]

    async def records(self, partition: int, offsets: list[int]) -> Mapping[int, ConsumerRecord[bytes, bytes]]:
        """The records of letters of one partition; those that Kafka has deleted meanwhile are left out."""
        return await self._reader.fetch(self.place(partition), offsets)

    def letter(self, record: ConsumerRecord[bytes, bytes]) -> Letter:
        """A record's letter with its status."""
        letter = letter_in(record)
        status = self.statuses.get(letter.status_key)
        return replace(letter, status=status.status) if status else letter

    def place(self, partition: int) -> TopicPartition:
        """A partition of the dead-letter topic."""
        return TopicPartition(self._settings.layout.name(DEAD_LETTER), partition)


async def open_box(settings: KafkaSettings, reader: Reader) -> Box:
    """The box with the statuses as they are now.

    Raises:
        Stopped: they could not all be read; without them nobody knows which letters are open.
    """
    statuses: dict[str, DeadLetterStatus] = {}
    async for record in reader.scan(partitions_of(settings, DeadLetterStatus.topic)):
        key = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            statuses.pop(key, None)
        else:
            statuses[key] = _status_in(record)
    if reader.partial:
        raise Stopped("What became of letters could not be read in time. Allow more with --timeout.")
    return Box(settings, reader, statuses)


def _status_in(record: ConsumerRecord[bytes, bytes]) -> DeadLetterStatus:
    try:
        return DeadLetterStatus.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Stopped(
            f"The record at offset {record.offset} of {record.topic}, partition {record.partition}, is no status: "
            f"{error}. Write a right one under the same key; whose letter is open cannot be told without it."
        ) from error
