"""The disk fails, is full, or loses what was on it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.spool import database
from ingest.spool.claim import paths
from ingest.spool.errors import SpoolBroken, SpoolError, SpoolFull
from ingest.spool.held import Use
from ingest.spool.spool import Spool, spooling
from ingest.spool.status import status
from tests.unit.ingest.spool.stand_in import MIB, Kafka, draining, files, filled, record, until


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder on a disk of 16 MiB."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
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
        refusal, taken = await fill_spool(spool, taken + 1)
        assert isinstance(refusal, SpoolBroken)
        assert "full" in str(refusal)
        assert str(small_disk) not in str(refusal)
        ballast.write_bytes(b"")
        await spool.append(record(taken, 20_000))
        kafka.away = False
        await until(lambda: not spool.state.records)
    assert kafka.numbers == list(range(taken + 1))


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


async def test_a_disk_filled_by_the_spool_alone_drains_without_help(small_disk: Path) -> None:
    """Deleting takes space, too: that is what the reserve is for. What was deleted makes room at once."""
    kafka = Kafka(away=True)
    async with draining(small_disk, kafka) as spool:
        refusal, taken = await fill_spool(spool, 0)
        assert isinstance(refusal, SpoolFull)
        assert taken > 100
        kafka.refuses = lambda one: one == record(taken - 1, 20_000)  # so that the file stays
        kafka.away = False
        await until(lambda: spool.state.records == 1)
        for number in range(taken, taken + 50):
            await spool.append(record(number, 20_000))
        await until(lambda: spool.state.records == 1)
    assert kafka.numbers == [*range(taken - 1), *range(taken, taken + 50)]


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
    kafka = Kafka()
    async with spooling(folder, 100 * MIB) as spool:
        await spool.append(record(0))
        with failing_writes(), pytest.raises(SpoolBroken):
            await spool.append(record(1, 200_000))  # so that it has to be opened again
        (damaged,) = paths(folder)
        damage(damaged)
        with pytest.raises(SpoolBroken, match="not a database"):
            await spool.append(record(2))
        await spool.append(record(3))

        task = asyncio.create_task(spool.drain(kafka.send, kafka.ready))
        await until(lambda: kafka.numbers == [3] and paths(folder) == [damaged])
        task.cancel()
        await asyncio.wait([task])
        assert [(file.name, file.held) for file in status(folder)] == [(damaged.name, True)]
    assert paths(folder) == [damaged]


async def test_a_damaged_file_of_another_process_is_kept_and_told_once(folder: Path) -> None:
    await filled(folder, range(3))
    (damaged,) = paths(folder)
    damage(damaged)
    await filled(folder, range(3, 6))
    kafka = Kafka()
    with capture_logs() as log:
        async with draining(folder, kafka) as spool:
            await until(lambda: paths(folder) == [damaged])
            await spool.append(record(6))
            await until(lambda: paths(folder) == [damaged])
    assert kafka.numbers == [3, 4, 5, 6]
    (file,) = status(folder)
    assert file.error is not None
    assert "not a database" in file.error
    assert [line["file"] for line in log if line["event"] == "spool file failed"] == [damaged.name]


async def test_a_file_of_a_later_version_is_left_as_it_is(folder: Path) -> None:
    await filled(folder, range(3))
    (path,) = paths(folder)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    kafka = Kafka()
    async with draining(folder, kafka) as spool:
        await until(lambda: len(list(spool._held.used(Use.SET_ASIDE))) == 1)
    assert [file.records for file in status(folder)] == [3]
    assert kafka.taken == []


async def test_a_file_removed_under_the_spool_is_noticed_and_what_it_held_is_sent(folder: Path) -> None:
    kafka = Kafka()
    async with spooling(folder, MIB) as spool:
        await spool.append(record(0))
        shutil.rmtree(folder)
        with pytest.raises(SpoolBroken, match="removed"):
            await spool.append(record(1))
        await spool.append(record(2))
        assert [file.records for file in status(folder)] == [1]
        task = asyncio.create_task(spool.drain(kafka.send, kafka.ready))
        await until(lambda: files(folder) == [])
        task.cancel()
        await asyncio.wait([task])
    assert kafka.numbers == [0, 2]


async def test_a_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"/file/spool: .* Set MIDI_INGEST_SPOOL_DIR to"):
        async with spooling(tmp_path / "file" / "spool", MIB):
            pass


async def fill_spool(spool: Spool, number: int) -> tuple[SpoolError, int]:
    """Append until a record is refused: why it was, and the number it would have had."""
    while True:
        try:
            await spool.append(record(number, 20_000))
        except SpoolError as error:
            return error, number
        number += 1


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def damage(path: Path) -> None:
    """Overwrite a database, whose log is in it or is lost."""
    path.write_bytes(b"damaged" * 10_000)
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
