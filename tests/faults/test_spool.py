"""The spool's disk is full, fails, vanishes or hangs, and Kafka is away from the start or takes less than it should."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from broker import topics
from broker.embedded import EmbeddedKafka
from midi_ingest.settings import Settings
from schemas.callback import Callback
from schemas.topics import shared
from tests.faults.spooling import Ledger, drained, files_in, ingress, readiness, spool_of
from tests.installation import Process
from tests.topics import eventually, make_settings, read_until

STOP_SECONDS = 20
"""So long after SIGTERM, docs/operations.md says, the ingress has ended."""


@pytest.fixture
async def settings(kafka: EmbeddedKafka, tmp_path: Path) -> Settings:
    """Settings with topics of their own."""
    own = make_settings(kafka.bootstrap_servers, tmp_path)
    await topics.apply(own, shared())
    return own


@asynccontextmanager
async def stopped(kafka: EmbeddedKafka) -> AsyncIterator[None]:
    """Kafka is away within the block."""
    await kafka.stop()
    try:
        yield
    finally:
        await kafka.start()


@contextlib.contextmanager
def frozen(kafka: EmbeddedKafka) -> Iterator[None]:
    """Kafka takes connections within the block, but says nothing: as good as away, and quickly back."""
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(kafka.pid, signal.SIGCONT)


def url_of(process: Process, settings: Settings) -> str:
    return f"{process.health_url}{settings.path}"


async def becomes(process: Process, status: int) -> None:
    """Wait until `/readyz` says so."""

    async def does() -> bool:
        return (await readiness(process))[0] == status

    await eventually(does, lambda: f"/readyz is not {status}")


async def test_what_came_while_kafka_was_absent_from_the_start_is_in_the_topic_afterwards(
    kafka: EmbeddedKafka, settings: Settings, tmp_path: Path
) -> None:
    ledger = Ledger()
    async with contextlib.AsyncExitStack() as stack:
        async with stopped(kafka):
            process = await stack.enter_async_context(ingress(settings, tmp_path))
            for _ in range(20):
                assert await ledger.post(url_of(process, settings)) == 200
            status, told = await readiness(process)
            assert (status, told["kafka"], told["spool"]["records"]) == (200, False, 20)
        await drained(process)
        assert await ledger.post(url_of(process, settings)) == 200
        await ledger.check(settings)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The spool's folder on a disk of 4 MiB."""
    folder = tmp_path / "spool"
    folder.mkdir()
    if os.geteuid() or not mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)):
        pytest.skip("a small disk cannot be mounted here: that takes root and CAP_SYS_ADMIN")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mounted(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


async def test_a_full_disk_refuses_callbacks_until_there_is_room_and_loses_none(
    kafka: EmbeddedKafka, settings: Settings, small_disk: Path, tmp_path: Path
) -> None:
    """Twice: others have filled the disk before the spool's first file, then the spool has."""
    ledger, ballast = Ledger(), small_disk / "ballast"
    async with contextlib.AsyncExitStack() as stack:
        with frozen(kafka):
            process = await stack.enter_async_context(ingress(settings, tmp_path))
            url = url_of(process, settings)
            fill(ballast)
            assert {await ledger.post(url) for _ in range(5)} == {503}
            await becomes(process, 503)
            ballast.unlink()
            await ledger.post_until(url, 200)
            await becomes(process, 200)

            await ledger.post_until(url, 503)
            assert len(ledger.acknowledged) > 50
            fill(ballast)
            assert {await ledger.post(url) for _ in range(5)} == {503}
            await becomes(process, 503)
            assert mounted("-o", "remount,size=32m", str(small_disk))
            await ledger.post_until(url, 200)
            await becomes(process, 200)
        await drained(process)
        await ledger.check(settings)
    assert set(ledger.refused) == {503}


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)) == 4096:
            pass


LARGEST_FILE_BYTES = 256 * 1024
"""More than the log of a test, less than what the spool's file gets to."""


async def test_a_disk_that_fails_refuses_callbacks_until_it_works_and_loses_none(
    kafka: EmbeddedKafka, settings: Settings, tmp_path: Path
) -> None:
    """The system refuses each write beyond a file size that is set while the ingress runs (EFBIG)."""
    ledger = Ledger()
    async with contextlib.AsyncExitStack() as stack:
        with frozen(kafka):
            process = await stack.enter_async_context(ingress(settings, tmp_path))
            url = url_of(process, settings)
            for _ in range(3):
                assert await ledger.post(url) == 200
            with failing_writes(process):
                await ledger.post_until(url, 503)
                await becomes(process, 503)
                answers = await asyncio.gather(*(ledger.post(url) for _ in range(50)))
                assert 503 in answers
            await ledger.post_until(url, 200)
            await becomes(process, 200)
        await drained(process)
        await ledger.check(settings)
    assert set(ledger.refused) == {503}
    refusals = [line["error"] for line in logged(process) if line["event"] == "spool refuses records"]
    assert refusals
    assert all("disk" in error for error in refusals)


@contextlib.contextmanager
def failing_writes(process: Process) -> Iterator[None]:
    assert process.running
    pid = process.running.pid
    _, hard = before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, hard))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


async def test_a_spool_removed_under_the_ingress_is_noticed_and_loses_nothing(
    kafka: EmbeddedKafka, settings: Settings, tmp_path: Path
) -> None:
    ledger = Ledger()
    async with contextlib.AsyncExitStack() as stack:
        with frozen(kafka):
            process = await stack.enter_async_context(ingress(settings, tmp_path))
            url = url_of(process, settings)
            for _ in range(5):
                assert await ledger.post(url) == 200
            shutil.rmtree(spool_of(process))
            assert await ledger.post(url) == 503
            await ledger.post_until(url, 200)
            await becomes(process, 200)
        await drained(process)
        await ledger.check(settings)


async def test_nothing_acknowledged_is_lost_when_one_of_two_processes_is_killed_while_kafka_is_away(
    kafka: EmbeddedKafka, settings: Settings, tmp_path: Path
) -> None:
    ledger, stop = Ledger(), asyncio.Event()
    async with ingress(settings, tmp_path, "--processes", "2") as process, asyncio.TaskGroup() as group:
        group.create_task(ledger.post_steadily(url_of(process, settings), stop))
        async with stopped(kafka):

            async def both_spool() -> bool:
                return len(files_in(spool_of(process))) == 2

            await eventually(both_spool, process.log_file.read_text)
            await ledger.more_acknowledged()
            assert process.running
            victim, _ = psutil.Process(process.running.pid).children()
            victim.kill()
            await ledger.more_acknowledged()
        await ledger.more_acknowledged()
        stop.set()
        await drained(process)
    await ledger.check(settings)
    assert not ledger.refused
    log = process.log_file.read_text()
    assert "died (killed by SIGKILL); starting it again" in log
    assert "spool file adopted" in log


async def test_a_spooled_record_that_kafka_refuses_for_its_size_is_kept_told_and_holds_up_nothing(
    kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    settings = make_settings(kafka.bootstrap_servers, tmp_path)
    await topics.apply(settings.model_copy(update={"max_body_bytes": 1024}), shared())  # they take less
    data = base64.b64encode(os.urandom(3 * 2**20))
    ledger = Ledger()

    async with contextlib.AsyncExitStack() as stack:
        with frozen(kafka):
            process = await stack.enter_async_context(ingress(settings, tmp_path))
            url = url_of(process, settings)
            for task_id in ("small-1", "large", "small-2"):
                body = large(task_id, data) if task_id == "large" else None
                assert await ledger.post(url, body, task_id) == 200
        small = {"small-1", "small-2"}
        await read_until(settings, Callback.topic, lambda seen: {record.key for record in seen} == small)
        await eventually(
            lambda: shows(process, 'midi_ingest_spool_kept_back_records{why="too-large"} 1.0'),
            lambda: "not shown",
        )
        before = await metric(process, "midi_ingest_producer_restarts_total")  # a thaw may have cost one
        assert await ledger.post(url, large("large-and-live", data), "large-and-live") == 413
        assert await ledger.post(url) == 200
        assert await shows(process, "midi_ingest_spool_records 1.0")
        assert await metric(process, "midi_ingest_producer_restarts_total") == before
        told = [line for line in logged(process) if "of this size" in line["event"]]
        assert told
        assert all("MIDI_INGEST_MAX_BODY_BYTES" in line["mend"] for line in told)
        assert {(line["level"], line["topic"]) for line in told} == {
            ("error", settings.layout.name(Callback.topic))
        }
        assert sum("kept back" in line["event"] for line in logged(process)) == 1

        await topics.apply(settings, shared())
        process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0
        process.start()
        await process.ready()
        await drained(process)
        await ledger.check(settings)
    assert ledger.refused == {413: 1}


def large(task_id: str, data: bytes) -> bytes:
    """A callback that stays large when it is compressed."""
    return b'{"code":200,"task_id":"%s","data":"%s"}' % (task_id.encode(), data)


def logged(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.log_file.read_text().splitlines()]


async def shows(process: Process, line: str) -> bool:
    """Whether the metrics have this line."""
    return line in await shown(process)


async def metric(process: Process, name: str) -> str:
    """The value of a metric that has no labels."""
    (line,) = [line for line in await shown(process) if line.startswith(f"{name} ")]
    return line.removeprefix(f"{name} ")


async def shown(process: Process) -> list[str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.health_url}/metrics") as answer,
    ):
        return (await answer.text()).splitlines()


async def test_a_disk_that_hangs_does_not_keep_the_ingress_from_ending(
    settings: Settings, tmp_path: Path
) -> None:
    """SQLite looks for a journal beside a file that was left; of a named pipe, the opening never ends."""
    left = tmp_path / "spool" / "left.sqlite3"
    left.parent.mkdir()
    with closing(sqlite3.connect(left)) as connection:
        connection.execute("CREATE TABLE records (position)")
    os.mkfifo(left.with_name("left.sqlite3-journal"))
    ledger = Ledger()
    async with ingress(settings, tmp_path) as process:

        async def is_claimed() -> bool:
            return left.with_suffix(".lock").exists()

        await eventually(is_claimed, process.log_file.read_text)
        assert await ledger.post(url_of(process, settings)) == 200
        since = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0
        assert time.monotonic() - since < STOP_SECONDS
    assert "spool not closed: its disk does not answer" in process.log_file.read_text()
    await ledger.check(settings)
