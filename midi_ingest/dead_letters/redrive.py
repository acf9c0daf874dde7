"""Sends letters again: each one's record and its status in the same transaction, in bounded batches.

Killed at any moment, a batch is there as a whole or not at all, and who runs it again goes on with what is open.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from midi_ingest.dead_letters.box import Box
from midi_ingest.dead_letters.letter import Letter
from midi_ingest.dead_letters.marks import mark
from midi_ingest.dead_letters.routes import Refused, Routes
from midi_ingest.pace import BATCH_MAX, Pace, batches
from midi_ingest.transactions import Transactions
from schemas import reasons


@dataclass(slots=True)
class Plan:
    """What becomes of the letters that were meant: the names of topics, and why some stay."""

    sent: list[tuple[Letter, str]] = field(default_factory=list)
    refused: list[tuple[Letter, str]] = field(default_factory=list)
    handled: list[Letter] = field(default_factory=list)
    """They are redriven, purged or resolved already."""


async def plan(box: Box, routes: Routes, letters: Sequence[Letter]) -> Plan:
    """What is to be done with some letters; nothing is done yet."""
    result = Plan(handled=[letter for letter in letters if letter.status != "open"])
    for batch in _by_partition((letter for letter in letters if letter.status == "open"), BATCH_MAX):
        # Whether what was quarantined is a callback now, only its body tells.
        bodies = [letter.offset for letter in batch if letter.reason == reasons.QUARANTINED]
        records = await box.records(batch[0].partition, bodies)
        for letter in batch:
            try:
                result.sent.append((letter, _target(routes, letter, records.get(letter.offset))))
            except Refused as refused:
                result.refused.append((letter, str(refused)))
    return result


async def send_again(
    box: Box, routes: Routes, letters: Sequence[Letter], transactions: Transactions, pace: Pace
) -> AsyncIterator[int]:
    """Send letters again that a plan says can be; yields how many each batch had, once it is committed.

    Letters that Kafka deletes meanwhile are left out.

    Raises:
        Stopped, KafkaError, TimeoutError: see `Transactions.commit`.
    """
    for batch in _by_partition(letters, pace.batch_max):
        await pace.take(len(batch))
        records = await box.records(batch[0].partition, [letter.offset for letter in batch])
        present = [letter for letter in batch if letter.offset in records]
        writes = [routes.write(letter, records[letter.offset]) for letter in present]
        marks = [mark(letter, "redriven", routes.layout.partitions) for letter in present]
        await transactions.commit([*writes, *marks])
        yield len(present)


def _by_partition(letters: Iterable[Letter], batch_max: int) -> Iterator[list[Letter]]:
    """Letters in their order as bounded batches of one partition each."""
    in_order = sorted(letters, key=lambda letter: (letter.partition, letter.offset))
    for _, group in itertools.groupby(in_order, key=lambda letter: letter.partition):
        yield from batches(group, batch_max, lambda letter: letter.size_bytes)


def _target(routes: Routes, letter: Letter, record: ConsumerRecord[bytes, bytes] | None) -> str:
    """The name of the topic that a letter goes to, by its record where that was read."""
    topic = routes.write(letter, record).topic if record else routes.topic(letter)
    return routes.layout.name(topic)
