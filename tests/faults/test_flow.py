"""Slow functions, functions that do not return, floods of errors: nobody leaves a group, and every process ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from broker import clients
from broker.embedded import EmbeddedKafka
from midi_ingest.settings import Settings
from schemas.topics import FAILURES
from tests.faults import counting
from tests.faults.counting import SESSION_SECONDS, WordLedger, made_settings, member, running, total
from tests.installation import Process
from tests.topics import eventually, read_until

KAFKA = counting.KAFKA
FLOOD = 20
STOP_SECONDS = 1.0
PROMISED_SECONDS = STOP_SECONDS + 8
"""What `MIDI_INGEST_STOP_TIMEOUT_SECONDS` says, and what it takes to close everything on a busy machine."""

WORK_SECONDS = float(os.environ.get("MIDI_INGEST_TEST_WORK_SECONDS", str(2.5 * SESSION_SECONDS)))


async def test_a_function_that_computes_for_longer_than_its_session_stays_in_the_group(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, process = WordLedger(settings), member(settings, tmp_path)
    async with running(process):
        await ledger.send([(f"key-{n}", f"work-{WORK_SECONDS}") for n in range(3)])
        await ledger.send_numbers(20)
        await ledger.all_out(process)
    assert process.log_file.read_text().count("lanes assigned") == 1
    await ledger.check_once()


async def test_a_function_that_does_not_return_holds_up_no_end_and_is_not_blamed(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger = WordLedger(settings)
    process = member(settings, tmp_path, MIDI_INGEST_STOP_TIMEOUT_SECONDS=str(STOP_SECONDS))
    async with running(process):
        await ledger.send([("key-1", "spin-it")])

        async def is_in_work() -> bool:
            return "tried" in await marks(settings)

        await eventually(is_in_work, process.log_file.read_text)
        await ends_in_time(process)
    assert await marks(settings) == ""


async def test_a_worker_ends_while_kafka_is_away(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger = WordLedger(settings)
    process = member(settings, tmp_path, MIDI_INGEST_STOP_TIMEOUT_SECONDS=str(STOP_SECONDS))
    async with running(process):
        await ledger.send_numbers(20)
        await ledger.all_out(process)
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            await ends_in_time(process)
        finally:
            os.kill(kafka.pid, signal.SIGCONT)


async def test_a_flood_of_errors_pauses_its_lanes_until_the_cause_is_gone_and_loses_nothing(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, outage = WordLedger(settings), tmp_path / "outage"
    outage.touch()
    process = flooded(settings, tmp_path, outage)
    async with running(process):
        await ledger.send((f"key-{n % 10}", f"broken-{n}") for n in range(600))
        await eventually(lambda: pauses(process, settings.partitions), process.log_file.read_text)
        least = settings.partitions * FLOOD
        failed = await read_until(settings, FAILURES, lambda seen: len(seen) >= least)
        assert len(failed) < settings.partitions * (FLOOD + 20)
        outage.unlink()
        await ledger.all_out(process)
        await eventually(lambda: pauses(process, 0), process.log_file.read_text)
    assert await ledger.dead() == set()
    assert await ledger.repeats() == 0
    assert "flood of failures is over" in process.log_file.read_text()


async def test_one_bad_record_in_ten_pauses_nobody(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    settings = await made_settings(kafka.bootstrap_servers, tmp_path)
    ledger, outage = WordLedger(settings), tmp_path / "outage"
    outage.touch()
    process = flooded(settings, tmp_path, outage)
    bad = {f"broken-{n}" for n in range(0, 300, 10)}
    async with running(process):
        await ledger.send((f"key-{n % 7}", f"{'broken-' * (n % 10 == 0)}{n}") for n in range(300))
        await ledger.all_out(process)
    await ledger.check_once(dead=bad)
    assert "flood" not in process.log_file.read_text()


def flooded(settings: Settings, folder: Path, outage: Path) -> Process:
    env = {"MIDI_INGEST_FLOOD_FAILURES": str(FLOOD), "TEST_BROKEN_WHILE_EXISTS": str(outage)}
    return member(settings, folder, "count", "route-failures", **env)


async def pauses(process: Process, lanes: int) -> bool:
    return await total(process, "midi_ingest_worker_paused{") == lanes


async def marks(settings: Settings) -> str:
    """What stands beside the offsets of the group."""
    admin = clients.admin(settings)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}count")
        return "".join(committed.metadata for committed in offsets.values())
    finally:
        await admin.close()


async def ends_in_time(process: Process) -> None:
    since = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert await process.ended() == 0, process.log_file.read_text()
    assert time.monotonic() - since < PROMISED_SECONDS
