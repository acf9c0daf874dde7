"""Records leave the spool."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.publishing.batches import Refused, Unavailable
from ingest.record import Record
from ingest.spool import spool
from ingest.spool.claim import paths
from ingest.spool.drain import BATCH_BYTES, BATCH_RECORDS, TRIES, Drain, drain_left
from ingest.spool.file import Why
from ingest.spool.spool import spooling
from ingest.spool.status import status
from telemetry import metrics
from tests.unit.ingest.spool.stand_in import MIB, Kafka, draining, files, filled, record, until


def refusing(*numbers: int) -> Kafka:
    """A Kafka that never takes the records with these numbers."""
    return Kafka(refuses=lambda r: int(r.key.removeprefix(b"task-")) in numbers)


async def test_records_are_sent_as_they_came_in_and_in_order(folder: Path) -> None:
    kafka = Kafka(away=True)
    async with draining(folder, kafka) as filling:
        for number in range(150):
            await filling.append(record(number))
        kafka.away = False
        filling.wake()
        await until(lambda: not filling.state.records)
    assert kafka.taken == [record(number) for number in range(150)]
    assert all(type(taken) is Record for taken in kafka.taken)


async def test_a_drained_spool_leaves_nothing_on_the_disk(folder: Path) -> None:
    kafka = Kafka()
    async with draining(folder, kafka) as filling:
        for number in range(3):
            await filling.append(record(number))
            await until(lambda: files(folder) == [])
    assert kafka.numbers == [0, 1, 2]


async def test_the_log_counts_what_was_drained_each_time(folder: Path) -> None:
    kafka = Kafka(away=True)
    with capture_logs() as logs:
        async with draining(folder, kafka) as filling:
            for count in (150, 2):
                kafka.away = True
                await asyncio.gather(*(filling.append(record(number)) for number in range(count)))
                kafka.away = False
                filling.wake()
                await until(lambda: not filling.state.records and files(folder) == [])
    assert [line["records"] for line in logs if line["event"] == "spool drained"] == [150, 2]


async def test_batches_are_bounded_and_one_is_under_way_at_a_time(folder: Path) -> None:
    await filled(folder, range(BATCH_RECORDS * 2))
    await filled(folder, range(1000, 1004), size=BATCH_BYTES // 2)
    await filled(folder, [2000], size=BATCH_BYTES * 2)
    kafka, under_way, most = Kafka(), 0, 0

    async def send(records: Sequence[Record]) -> list[Unavailable | Refused | None]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        acks = await kafka.send(records)
        under_way -= 1
        return acks

    async with spooling(folder, 100 * MIB) as filling:
        task = asyncio.create_task(filling.drain(send, kafka.ready))
        await until(lambda: len(kafka.taken) == BATCH_RECORDS * 2 + 5)
        task.cancel()
        await asyncio.wait([task])
    assert [len(batch) for batch in kafka.batches] == [BATCH_RECORDS, BATCH_RECORDS, 1, 1, 1, 1, 1]
    assert most == 1


async def test_while_kafka_is_away_nothing_is_sent(folder: Path) -> None:
    kafka = Kafka(away=True)
    async with draining(folder, kafka) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(3)))
        await until(lambda: filling._stuck)
        assert kafka.batches == []
        assert filling.state.records == 3
        kafka.away = False
        filling.wake()
        await until(lambda: not filling.state.records)


async def test_what_kafka_did_not_acknowledge_stays_and_is_sent_again(folder: Path) -> None:
    kafka = refusing(2, 4)
    async with draining(folder, kafka) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(6)))
        await until(lambda: len(kafka.taken) == 4)
        await until(lambda: [file.records for file in status(folder)] == [2])
        kafka.refuses = lambda _: False
        await until(lambda: not filling.state.records)
    assert kafka.numbers == [0, 1, 3, 5, 2, 4]


async def test_a_record_that_kafka_never_takes_holds_up_nothing(folder: Path) -> None:
    """Neither within a batch, nor as a batch of its own at the head, nor what comes later."""
    await filled(folder, [0], size=2 * BATCH_BYTES)
    kafka = refusing(0, 3)
    async with draining(folder, kafka) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(1, 6)))
        await until(lambda: len(kafka.taken) == 4)
        await filling.append(record(6))
        await until(lambda: filling.state.records == 2)
    assert kafka.numbers == [1, 2, 4, 5, 6]


async def test_a_record_too_large_for_kafka_holds_up_nothing_and_is_tried_again_only_after_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(spool, "LOOK_SECONDS", 0.01)
    await filled(folder, [0], size=2 * BATCH_BYTES)
    kafka = Kafka(too_large=lambda one: len(one.value) > BATCH_BYTES)
    with capture_logs() as log:
        async with draining(folder, kafka) as filling:
            for number in range(1, 6):
                await filling.append(record(number))
                await until(lambda number=number: number in kafka.numbers)  # type: ignore[misc]
            await until(lambda: filling.state.records == 1)
            passes = filling._due
            await until(lambda: filling._due > passes + 0.1)
            assert filling.state.kept_back == {Why.TOO_LARGE: 1}
            assert kafka.tried(0) == 1
            filling._try_all_at = 0
            await until(lambda: kafka.tried(0) == 2)
            await until(lambda: filling.state.kept_back == {Why.TOO_LARGE: 1})
            kafka.too_large = lambda _: False
            filling._try_all_at = 0
            await until(lambda: not filling.state.records)
            assert not filling.state.kept_back
    assert kafka.numbers == [1, 2, 3, 4, 5, 0]
    kept_back = [line for line in log if line["event"].startswith("spooled records kept back")]
    assert [line["log_level"] for line in kept_back] == ["error"] * 2


DAMAGE = [
    "headers = x'c1ff'",
    "headers = x''",
    "headers = 'text'",
    "headers = x'91'",
    "topic = x'ff'",
    "headers = 7, key = 7, value = 7, received_at = 'text'",
]
"""What a disk, or somebody with a database client, may make of a row."""


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_row_is_kept_told_and_holds_up_nothing(folder: Path, damage: str) -> None:
    await filled(folder, range(5))
    _execute(folder, f"UPDATE records SET {damage} WHERE position = 3")  # noqa: S608 - ours
    kafka = Kafka()
    with capture_logs() as log:
        async with draining(folder, kafka) as filling:
            await until(lambda: filling.state.records == 1)
            await filling.append(record(5))
            await until(lambda: filling.state.records == 1 and 5 in kafka.numbers)
            assert filling.state.kept_back == {Why.UNREADABLE: 1}
            assert metrics.SPOOL_KEPT_BACK.labels("unreadable")._value.get() == 1
    assert kafka.numbers == [0, 1, 3, 4, 5]
    assert [file.records for file in status(folder)] == [1]
    (told,) = [line for line in log if line["event"] == "spooled records kept back: they are damaged"]
    assert (told["log_level"], told["positions"]) == ("error", [3])

    drain = Drain(kafka.send, kafka.ready)
    await drain_left(folder, drain, patience_seconds=0)
    assert drain.sent == 0
    assert [file.records for file in status(folder)] == [1]


async def test_a_record_whose_topic_is_gone_holds_up_nothing_and_is_sent_once_it_is_back(
    folder: Path,
) -> None:
    kafka = Kafka()
    async with draining(folder, kafka) as filling:
        await asyncio.gather(
            filling.append(record(0)),
            filling.append(record(1, topic="old.callbacks")),
            filling.append(record(2)),
        )
        await until(lambda: filling.state.records == 1)
        assert filling.state.kept_back == {Why.NO_TOPIC: 1}
        assert kafka.tried(1) == 1
        kafka.topics.add("old.callbacks")
        filling._try_all_at = 0
        await until(lambda: not filling.state.records)
    assert kafka.numbers == [0, 2, 1]


async def test_more_records_than_a_batch_that_kafka_never_takes_hold_up_nothing(folder: Path) -> None:
    await filled(folder, range(BATCH_RECORDS * 2 + 5))
    kafka = refusing(*range(BATCH_RECORDS * 2))
    async with draining(folder, kafka) as filling:
        await until(lambda: filling.state.records == BATCH_RECORDS * 2)
    assert kafka.numbers == [*range(BATCH_RECORDS * 2, BATCH_RECORDS * 2 + 5)]
    assert sum(file.records for file in status(folder)) == BATCH_RECORDS * 2


async def test_a_record_passed_over_waits_for_the_next_pass_however_many_come(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "FIRST_PAUSE_SECONDS", 3600)
    monkeypatch.setattr(spool, "LOOK_SECONDS", 3600)
    kafka = refusing(0)
    async with draining(folder, kafka) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(2)))
        for number in range(2, 12):
            await until(lambda before=number - 1: before in kafka.numbers)  # type: ignore[misc]
            await filling.append(record(number))
        await until(lambda: 11 in kafka.numbers)
    assert sum(record(0) in batch for batch in kafka.batches) == 1


async def test_what_was_sent_but_could_not_be_deleted_is_not_sent_again(folder: Path) -> None:
    kafka = Kafka()
    async with spooling(folder, MIB) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(3)))
        _execute(folder, "CREATE TRIGGER no BEFORE DELETE ON records BEGIN SELECT RAISE(FAIL, 'no'); END")
        task = asyncio.create_task(filling.drain(kafka.send, kafka.ready))
        await until(lambda: len(filling._told) == 1)
        assert filling.state.records == 3
        _execute(folder, "DROP TRIGGER no")
        await until(lambda: not filling.state.records)
        task.cancel()
        await asyncio.wait([task])
    assert kafka.numbers == [0, 1, 2]


async def test_a_file_that_fails_holds_up_no_other(folder: Path) -> None:
    await filled(folder, [0])
    _execute(folder, "CREATE TRIGGER no BEFORE DELETE ON records BEGIN SELECT RAISE(FAIL, 'no'); END")
    await filled(folder, [1])
    kafka = Kafka()
    async with draining(folder, kafka) as draining_too:
        await draining_too.append(record(2))
        await until(lambda: len(kafka.taken) == 3)
        await until(lambda: draining_too.state.records == 1)
    assert kafka.numbers == [0, 1, 2]


async def test_records_of_a_stuck_kafka_are_tried_a_few_times_before_others(folder: Path) -> None:
    """Kafka says that it is there but acknowledges nothing: what is oldest is sent first once it does."""
    await filled(folder, range(BATCH_RECORDS + 1))
    kafka = Kafka(refuses=lambda _: len(kafka.batches) < TRIES)
    async with draining(folder, kafka) as filling:
        await until(lambda: filling.state.records == 0 and bool(kafka.taken))
    assert [len(batch) for batch in kafka.batches] == [BATCH_RECORDS] * TRIES + [1]


async def test_appended_and_drained_at_once_each_record_is_sent_once(folder: Path) -> None:
    kafka = Kafka()
    async with draining(folder, kafka) as filling:
        await asyncio.gather(*(filling.append(record(n)) for n in range(100)))
        for start in range(100, 1000, 100):
            await asyncio.gather(*(filling.append(record(n)) for n in range(start, start + 100)))
        await until(lambda: not filling.state.records)
    assert sorted(kafka.numbers) == list(range(1000))


async def test_draining_once_takes_what_nobody_holds(folder: Path) -> None:
    await filled(folder, range(5))
    kafka = Kafka()
    drain = Drain(kafka.send, kafka.ready)
    async with spooling(folder, MIB) as alive:
        await alive.append(record(10))
        await drain_left(folder, drain, patience_seconds=0)
        assert [(file.records, file.held) for file in status(folder)] == [(1, True)]
    assert drain.sent == 5
    assert kafka.numbers == [0, 1, 2, 3, 4]


async def test_draining_once_gives_up_while_kafka_takes_nothing(folder: Path) -> None:
    await filled(folder, range(5))
    kafka = Kafka(away=True)
    await drain_left(folder, Drain(kafka.send, kafka.ready), patience_seconds=0)
    assert [(file.records, file.held) for file in status(folder)] == [(5, False)]


async def test_draining_once_leaves_what_kafka_does_not_take(folder: Path) -> None:
    await filled(folder, range(5))
    kafka = refusing(1, 2)
    await drain_left(folder, Drain(kafka.send, kafka.ready), patience_seconds=0)
    assert kafka.numbers == [0, 3, 4]
    assert [(file.records, file.held) for file in status(folder)] == [(2, False)]


def _execute(folder: Path, statement: str) -> None:
    (path,) = paths(folder)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
