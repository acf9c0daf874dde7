"""Several processes share a folder, and die."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.spool import spool
from ingest.spool.claim import Claim, is_held, paths, take_left
from ingest.spool.spool import spooling
from ingest.spool.status import status
from tests.unit.ingest.spool.stand_in import MIB, Kafka, draining, files, filled, record, until

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def appending(folder: Path, first: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that appends, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.ingest.spool.crash", str(folder), str(first),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def committed(process: asyncio.subprocess.Process, enough: int) -> set[int]:
    """Kill the process once it has told of enough records; all those that it told of."""
    assert process.stdout is not None
    told = [await process.stdout.readline() for _ in range(enough)]
    process.kill()
    rest = (await process.stdout.read()).split(b"\n")[:-1]
    return {int(number) for number in (*told, *rest)}


async def test_what_was_committed_survives_kill_9(folder: Path) -> None:
    told: set[int] = set()
    for round_number in range(3):
        async with appending(folder, round_number * 1_000_000) as process:
            told |= await committed(process, 50 + 200 * round_number)
    assert len(told) >= 50 + 250 + 450
    assert [file.held for file in status(folder)] == [False] * 3

    kafka = Kafka()
    async with draining(folder, kafka):
        await until(lambda: files(folder) == [])
    assert told <= set(kafka.numbers)
    assert len(kafka.numbers) == len(set(kafka.numbers))


async def test_killed_while_it_drains_nothing_is_lost(folder: Path) -> None:
    """A drain that ends between Kafka's ack and its own delete sends a record again, and loses none."""
    await filled(folder, range(300))
    kafka = Kafka()
    async with spooling(folder, MIB) as ending:
        task = asyncio.create_task(ending.drain(kafka.send, kafka.ready))
        await until(lambda: len(kafka.taken) > 64)
        task.cancel()
        await asyncio.wait([task])
    async with draining(folder, kafka):
        await until(lambda: files(folder) == [])
    assert set(kafka.numbers) == set(range(300))
    assert len(kafka.numbers) <= 300 + 64


async def test_the_file_of_a_living_process_is_left_alone(folder: Path) -> None:
    kafka = Kafka()
    async with appending(folder) as process, draining(folder, kafka) as alive:
        assert process.stdout is not None
        await process.stdout.readline()
        await alive.append(record(-1))
        await until(lambda: len(paths(folder)) == 1)
        await alive._adopt()
        assert [file.held for file in status(folder)] == [True]
        assert kafka.numbers == [-1]
        told = await committed(process, 1)
        await until(lambda: files(folder) == [])
    assert told <= set(kafka.numbers)


async def test_several_spools_drain_what_is_left_without_sending_it_twice(folder: Path) -> None:
    for start in range(0, 60, 10):
        await filled(folder, range(start, start + 10))
    kafka = Kafka()
    async with draining(folder, kafka), draining(folder, kafka), draining(folder, kafka):
        await until(lambda: files(folder) == [])
    assert sorted(kafka.numbers) == list(range(60))


async def test_of_many_files_some_are_held_at_a_time_and_all_are_drained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "ADOPTED_FILES", 2)
    for number in range(5):
        await filled(folder, [number])
    kafka = Kafka(away=True)
    async with draining(folder, kafka) as alive:
        await until(lambda: alive.state.records == 2)
        assert sum(file.held for file in status(folder)) == 2
        kafka.away = False
        await until(lambda: files(folder) == [])
    assert sorted(kafka.numbers) == list(range(5))


def test_a_file_is_held_by_one_at_a_time(folder: Path) -> None:
    mine = Claim.new(folder)
    mine.path.touch()
    assert is_held(mine.path)
    assert Claim.take(mine.path) is None
    mine.release()
    assert not is_held(mine.path)
    again = Claim.take(mine.path)
    assert again is not None
    again.remove()
    assert files(folder) == []


def test_what_is_left_of_a_removed_file_is_removed(folder: Path) -> None:
    mine = Claim.new(folder)
    mine.release()
    for suffix in (".sqlite3-wal", ".sqlite3-shm"):
        mine.path.with_suffix(suffix).touch()
    assert paths(folder) == [mine.path]
    assert take_left(mine.path) is None
    assert files(folder) == []


async def test_a_file_that_a_process_had_just_made_when_it_died_is_removed(folder: Path) -> None:
    left = Claim.new(folder)
    left.path.touch()
    left.release()
    async with draining(folder, Kafka()):
        await until(lambda: files(folder) == [])
