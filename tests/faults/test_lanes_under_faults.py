"""What the worker runtime promises while its processes and its Kafka are killed, stopped, restarted and rebalanced.

In each: outputs equal inputs, each once, in the order of their key, and counted once in the state.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from broker import clients, topics
from broker.embedded import EmbeddedKafka
from midi_ingest.settings import Settings
from tests.faults import counting
from tests.faults.counting import WordLedger, made_settings, member, running, stop, total
from tests.faults.words import Counted, Word
from tests.topics import eventually

EXPIRATION_SECONDS = 3
KAFKA = {
    **counting.KAFKA,
    "transactional.id.expiration.ms": str(EXPIRATION_SECONDS * 1000),
    "transaction.remove.expired.transaction.cleanup.interval.ms": "500",
    "producer.id.expiration.ms": str(EXPIRATION_SECONDS * 1000),
    "producer.id.expiration.check.interval.ms": "500",
}

TRANSACTION_STATE_PARTITIONS = 6
"""As the embedded Kafka has them."""

ROUNDS = int(os.environ.get("MIDI_INGEST_TEST_ROUNDS", "1"))
WORDS = 300


async def test_killed_at_any_moment_each_word_is_counted_once(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path)
    async with running(process):
        for _ in range(ROUNDS):
            await ledger.send_numbers(WORDS)
            await ledger.some_more()
            await process.kill()
            process.start()
        await ledger.all_out(process)
        await process.ready()
    await ledger.check_once()


async def test_a_process_that_was_stopped_past_its_session_is_fenced_and_adds_nothing(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger = WordLedger(settings)
    zombie, other = (member(settings, tmp_path) for _ in range(2))
    async with running(zombie, other):
        for _ in range(ROUNDS):
            await ledger.send_numbers(WORDS)
            await ledger.some_more()
            zombie.send_signal(signal.SIGSTOP)
            await ledger.send_numbers(WORDS)
            await ledger.all_out(other)  # the other has taken over
            zombie.send_signal(signal.SIGCONT)
            await ledger.send_numbers(WORDS)
            await ledger.all_out(zombie, other)
        await zombie.ready()
    await ledger.check_once()


async def test_lanes_move_between_one_three_and_two_members_under_load(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, done = WordLedger(settings), asyncio.Event()
    first, second, third = (member(settings, tmp_path) for _ in range(3))

    async def send() -> None:
        while not done.is_set():
            await ledger.send_numbers(20)
            await asyncio.sleep(0.2)  # a load, not as much as goes

    async with running(first), asyncio.TaskGroup() as group:
        group.create_task(send())
        for _ in range(ROUNDS):
            await ledger.some_more()
            async with running(second, third):
                await ledger.some_more()
                await stop(first)
                await ledger.some_more()
                first.start()
                await first.ready()
        done.set()
    async with running(first):
        await ledger.all_out(first)
    await ledger.check_once()


async def test_kafka_restarts_in_the_midst_of_transactions(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path)
    async with running(process):
        for restart in range(ROUNDS):
            await ledger.send_numbers(WORDS)
            await ledger.some_more()
            if restart % 2:
                await kafka.stop()
            else:
                os.kill(kafka.pid, signal.SIGKILL)
                await kafka.ended()
                await kafka.stop()
            await kafka.start()
        await ledger.all_out(process)
    await ledger.check_once()


async def test_idle_lanes_outlive_their_transactional_ids(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path)
    async with running(process):
        await ledger.send_numbers(WORDS)
        await ledger.all_out(process)
        await eventually(lambda: ids_are_gone(settings), lambda: "Kafka keeps the ids")
        await ledger.send_numbers(WORDS)
        await ledger.all_out(process)
    await ledger.check_once()


async def ids_are_gone(settings: Settings) -> bool:
    """Whether Kafka has forgotten the transactional ids of all lanes: each has a tombstone in Kafka's own topic."""
    lanes = [f"{settings.topic_prefix}count-{p}" for p in range(settings.partitions)]
    last: dict[str, bytes | None] = {}
    consumer = clients.reader(settings, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        partitions = [TopicPartition("__transaction_state", p) for p in range(TRANSACTION_STATE_PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        for tp, end in ends.items():
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=200)).get(tp, ()):
                    last[record.key[4:].decode()] = record.value  # after a version and a length
    finally:
        await consumer.stop()
    return all(lane in last and last[lane] is None for lane in lanes)


async def test_what_was_deleted_unread_is_counted_and_the_rest_is_handled(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path)
    async with running(process):
        await ledger.send_numbers(WORDS)
        await ledger.all_out(process)
    lost = WordLedger(settings)
    await lost.send_numbers(30)
    await delete_everything(ledger)
    process.start()
    await process.ready()
    await ledger.send_numbers(WORDS)
    await ledger.all_out(process)
    assert await total(process, "midi_ingest_worker_offsets_lost_total") == 30
    await stop(process)
    await ledger.check_once()


async def delete_everything(ledger: WordLedger) -> None:
    """Let Kafka delete all words, as retention does."""
    settings = ledger.settings
    admin = clients.admin(settings)
    await admin.start()
    try:
        name = settings.layout.name(Word.topic)
        await admin.delete_records(
            {TopicPartition(name, p): RecordsToDelete(-1) for p in range(settings.partitions)}
        )
    finally:
        await admin.close()


@pytest.mark.parametrize("name", ["count", "count_again"])
async def test_what_kafka_refuses_holds_up_its_own_lane_until_it_is_taken_and_nothing_is_lost(
    kafka: EmbeddedKafka, tmp_path: Path, name: str
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    less = settings.model_copy(update={"max_body_bytes": 1024})
    await topics.apply(less, [Counted.topic])
    ledger, process = WordLedger(settings), member(settings, tmp_path, name)
    async with running(process):
        await ledger.send([("key-1", base64.b64encode(os.urandom(3 * 2**20)).decode())])

        async def is_interrupted() -> bool:
            return "lane interrupted" in process.log_file.read_text()

        await eventually(is_interrupted, process.log_file.read_text)
        await ledger.send_numbers(WORDS)
        await ledger.some_more(50)
        await topics.apply(settings, [Counted.topic])
        await ledger.all_out(process)
    if name == "count":
        await ledger.check_once()
    else:
        await ledger.check_at_least_once()


async def test_at_least_once_loses_nothing_when_its_process_is_killed(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path, "count_again")
    async with running(process):
        for _ in range(ROUNDS):
            await ledger.send_numbers(WORDS)
            await ledger.some_more()
            await process.kill()
            process.start()
        await ledger.all_out(process)
        await process.ready()
        before = await ledger.repeats()
        await ledger.send_numbers(WORDS)
        await ledger.all_out(process)
        assert await ledger.repeats() == before  # nobody was killed meanwhile
    await ledger.check_at_least_once()


async def test_at_least_once_loses_nothing_to_a_zombie_and_commits_nothing_of_its(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger = WordLedger(settings)
    zombie, other = (member(settings, tmp_path, "count_again") for _ in range(2))
    async with running(zombie, other):
        await ledger.send_numbers(WORDS)
        await ledger.some_more()
        zombie.send_signal(signal.SIGSTOP)
        await ledger.send_numbers(WORDS)
        await ledger.all_out(other)
        zombie.send_signal(signal.SIGCONT)
        await ledger.send_numbers(WORDS)
        await ledger.all_out(zombie, other)
    await ledger.check_at_least_once()
