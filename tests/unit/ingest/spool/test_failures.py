"""The disk fails, is full, or loses what was on it."""

from __future__ import annotations

import asyncio
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.spool import database
from ingest.spool.claim import paths
from ingest.spool.errors import SpoolBroken, SpoolError, SpoolFull
from ingest.spool.spool import spooling
from ingest.spool.status import status
from tests.unit.ingest.spool.stand_in import MIB, Kafka, draining, files, filled, record, until


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder on a disk of 4 MiB."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def failing_writes() -> Iterator[None]:
    """Files of this process cannot grow: what is written beyond 4 KiB fails (EFBIG), whoever is root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_on_a_full_disk_records_are_refused_and_taken_once_there_is_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESERVE_BYTES", -(2**40))  # so that the disk itself refuses
    ballast = small_disk / "ballast"
    kafka, taken = Kafka(away=True), 0
    async with draining(small_disk, kafka) as spool:
        await spool.append(record(taken))
        fill(ballast)
        with pytest.raises(SpoolBroken, match="full") as refused:
            while True:
                await spool.append(record(taken + 1, 20_000))
                taken += 1
        assert str(small_disk) not in str(refused.value)
        assert spool.state.refusing
        ballast.write_bytes(b"")
        await spool.append(record(taken + 1, 20_000))
        assert not spool.state.refusing
        kafka.away = False
        await until(lambda: not spool.state.records)
    assert kafka.numbers == list(range(taken + 2))


async def test_the_first_record_is_refused_on_a_full_disk_and_taken_once_there_is_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESERVE_BYTES", -(2**40))
    fill(small_disk / "ballast")
    async with spooling(small_disk, MIB) as spool:
        with pytest.raises(SpoolBroken):
            await spool.append(record(0))
        (small_disk / "ballast").write_bytes(b"")
        await spool.append(record(1))
        assert sum(file.records for file in status(small_disk)) == 1


async def test_a_disk_filled_by_the_spool_alone_drains_without_help(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "RESERVE_BYTES", MIB)
    kafka, taken = Kafka(away=True), 0
    async with draining(small_disk, kafka) as spool:
        with pytest.raises(SpoolFull, match="little space"):
            while True:
                await spool.append(record(taken, 20_000))
                taken += 1
        assert taken > 20
        kafka.away = False
        await until(lambda: not spool.state.records)
        await spool.append(record(taken, 20_000))
    assert kafka.numbers[:taken] == list(range(taken))


@pytest.mark.parametrize("before", [0, 30])
async def test_an_io_error_fails_its_records_and_the_next_try_succeeds(folder: Path, before: int) -> None:
    kafka = Kafka(away=True)
    async with draining(folder, kafka) as spool:
        await asyncio.gather(*(spool.append(record(n, 1000)) for n in range(before)))
        with failing_writes():
            ends = await asyncio.gather(
                *(spool.append(record(n, 200_000)) for n in range(100, 105)), return_exceptions=True
            )
        assert all(isinstance(end, SpoolError) for end in ends)
        assert not any(str(folder) in str(end) for end in ends)
        assert spool.state.records == before
        await asyncio.gather(*(spool.append(record(n)) for n in range(200, 205)))
        kafka.away = False
        await until(lambda: not spool.state.records)
    assert kafka.numbers == [*range(before), *range(200, 205)]


async def test_from_a_damaged_file_the_spool_moves_on_and_keeps_it(folder: Path) -> None:
    async with spooling(folder, 100 * MIB) as spool:
        await spool.append(record(0))
        (damaged,) = paths(folder)
        damage(damaged)
        for _ in range(2):
            with pytest.raises(SpoolBroken):  # SQLite finds out when it reads or writes next
                await spool.append(record(1, 10 * MIB))
                await spool.append(record(2, 10 * MIB))
                spool._inbox.file._close_database()  # type: ignore[union-attr]
            break
        await spool.append(record(3))
        assert len(paths(folder)) == 2
