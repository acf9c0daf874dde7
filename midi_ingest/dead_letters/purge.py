"""Throws letters away: hidden at once, and deleted as far as Kafka can, which is from a partition's beginning only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from broker import clients
from broker.settings import KafkaSettings
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.dead_letters.marks import mark
from midi_ingest.pace import BATCH_MAX
from midi_ingest.process import Stopped
from midi_ingest.transactions import Transactions
from schemas.topics import DEAD_LETTER


@dataclass(slots=True)
class Prefix:
    """The beginning of a partition in which no letter is open: ``letters`` of them lie before ``end``."""

    end: int
    letters: list[Letter] = field(default_factory=list)


def prefixes(
    letters: Sequence[Letter], purged: Collection[Letter], ends: Mapping[TopicPartition, int]
) -> dict[int, Prefix]:
    """What can be deleted of each partition once some letters are purged.

    Args:
        letters: all letters, each partition's in order, from its beginning.
        purged: those of them that are to be purged.
        ends: where each partition ended before its letters were read.
    """
    gone = {letter.id for letter in purged}
    found = {tp.partition: Prefix(end) for tp, end in ends.items()}
    for letter in letters:
        prefix = found[letter.partition]
        if letter.offset >= prefix.end:
            continue
        if letter.status == "open" and letter.id not in gone:
            prefix.end = letter.offset
        else:
            prefix.letters.append(letter)
    return {partition: prefix for partition, prefix in sorted(found.items()) if prefix.letters}


async def hide(letters: Sequence[Letter], transactions: Transactions, partitions: int) -> None:
    """Mark letters as purged.

    Raises:
        Stopped, KafkaError, TimeoutError: see `Transactions.commit`.
    """
    for batch in _batches(letters):
        await transactions.commit([mark(letter, "purged", partitions) for letter in batch])


async def delete(settings: KafkaSettings, found: Mapping[int, Prefix]) -> None:
    """Delete the beginnings of partitions.

    Raises:
        Stopped: Kafka refuses.
    """
    topic = settings.layout.name(DEAD_LETTER)
    ends = {TopicPartition(topic, number): RecordsToDelete(prefix.end) for number, prefix in found.items()}
    admin = clients.admin(settings)
    try:
        await admin.start()
        await admin.delete_records(ends)
    except KafkaError as error:
        raise Stopped(
            f"The letters are purged and hidden, but Kafka did not delete them: {error}. Run it again to try anew."
        ) from error
    finally:
        await admin.close()


def _batches(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    for start in range(0, len(letters), BATCH_MAX):
        yield letters[start : start + BATCH_MAX]
