"""Records enter the spool."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge

from ingest.spool import claim, database, inbox
from ingest.spool.errors import SpoolBroken, SpoolFull
from ingest.spool.file import SpoolFile
from ingest.spool.held import Held
from ingest.spool.inbox import COMMIT_BYTES, COMMIT_RECORDS, Inbox
from ingest.spool.spool import spooling
from ingest.spool.status import status
from telemetry import metrics
from tests.unit.ingest.spool.stand_in import MIB, Kafka, draining, files, filled, record, until


@asynccontextmanager
async def counting(folder: Path, commits: list[int]) -> AsyncIterator[Inbox]:
    """An inbox that tells how many records each commit took."""
    held = Held()
    box = Inbox(folder, 100 * MIB, held, on_commit=commits.append, on_refusal=lambda _: None)
    try:
        yield box
    finally:
        await box.close()
        await held.leave()


async def test_a_record_is_on_the_disk_once_append_returns(folder: Path) -> None:
    async with spooling(folder, MIB) as spool:
        await spool.append(record(1))
        (file,) = status(folder)
        assert (file.records, file.held) == (1, True)
        assert spool.state.records == 1
        assert spool.state.size_bytes == file.bytes > 100


async def test_nothing_is_on_the_disk_before_the_first_record(folder: Path) -> None:
    async with spooling(folder, MIB):
        assert files(folder) == []
    assert files(folder) == []


async def test_a_new_files_name_is_on_the_disk_before_its_first_record_counts_as_safe(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What else would a loss of power leave of it? A folder is synced by a descriptor of its own."""
    synced: list[tuple[os.stat_result, list[str]]] = []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor), files(folder)))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    async with spooling(folder, MIB) as spool:
        await spool.append(record(1))
        (path,) = claim.paths(folder)
        ((what, names),) = synced
        assert os.path.samestat(what, os.stat(folder))  # noqa: PTH116 - a test may wait
        assert path.name in names
        await spool.append(record(2))
        assert len(synced) == 1


async def test_records_that_come_together_share_a_commit(folder: Path) -> None:
    commits: list[int] = []
    async with counting(folder, commits) as box:
        await asyncio.gather(*(box.append(record(n)) for n in range(200)))
    assert commits == [200]


async def test_records_that_come_while_a_commit_runs_share_the_next(folder: Path) -> None:
    commits: list[int] = []

    async def one_after_the_other(box: Inbox) -> None:
        for n in range(10):
            await box.append(record(n))

    async with counting(folder, commits) as box:
        await asyncio.gather(*(one_after_the_other(box) for _ in range(50)))
    assert sum(commits) == 500
    assert len(commits) < 100


async def test_a_commit_takes_a_bounded_number_of_records_and_of_bytes(folder: Path) -> None:
    commits: list[int] = []
    async with counting(folder, commits) as box:
        await asyncio.gather(*(box.append(record(n)) for n in range(COMMIT_RECORDS + 1)))
        assert commits == [COMMIT_RECORDS, 1]
        await asyncio.gather(*(box.append(record(n, MIB)) for n in range(6)))
        assert commits[2:] == [COMMIT_BYTES // MIB - 1] * 2
        await asyncio.gather(*(box.append(record(n, 2 * COMMIT_BYTES)) for n in range(2)))
        assert commits[4:] == [1, 1]


async def test_a_caller_that_gives_up_harms_no_other(folder: Path) -> None:
    async with spooling(folder, MIB) as spool:
        callers = [asyncio.create_task(spool.append(record(n))) for n in range(20)]
        await asyncio.sleep(0)
        callers[3].cancel()
        ends = await asyncio.gather(*callers, return_exceptions=True)
        assert [n for n, end in enumerate(ends) if end is not None] == [3]
        assert spool.state.records in {19, 20}


async def test_at_the_quota_a_record_is_refused_and_taken_once_there_is_room(folder: Path) -> None:
    kafka = Kafka(away=True)
    async with draining(folder, kafka, MIB) as spool:
        await spool.append(record(1, 700_000))
        with pytest.raises(SpoolFull, match="as many bytes as it may"):
            await spool.append(record(2, 700_000))
        await spool.append(record(3, 100_000))
        kafka.away = False
        spool.wake()
        await until(lambda: not spool.state.records)
        await spool.append(record(4, 700_000))
        await until(lambda: not spool.state.records)
    assert kafka.numbers == [1, 3, 4]


async def test_what_other_files_take_on_the_disk_counts_for_the_quota(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LOOK_SECONDS", 0)
    await filled(folder, [1], size=700_000)
    async with spooling(folder, MIB) as spool:
        with pytest.raises(SpoolFull):
            await spool.append(record(2, 700_000))
        claim.Claim.remove(_taken(folder))
        await spool.append(record(3, 700_000))


async def test_an_adopted_file_counts_for_what_is_in_it(folder: Path) -> None:
    """Its size on the disk is that of what was in it once."""
    await filled(folder, range(30), size=200_000)
    kafka = Kafka(refuses=lambda one: one == record(0, 200_000))
    async with draining(folder, kafka, 8 * MIB) as spool:
        await until(lambda: spool.state.records == 1)
        assert sum(claim.sizes(folder, without=set()).values()) > MIB
        await asyncio.gather(*(spool.append(record(n, 250_000)) for n in range(100, 130)))
        with pytest.raises(SpoolFull):
            await spool.append(record(200, MIB))


async def test_near_the_end_of_the_disk_records_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with spooling(folder, MIB) as spool:
        monkeypatch.setattr(database, "RESERVE_BYTES", 2**62)
        with pytest.raises(SpoolFull, match="little space"):
            await spool.append(record(1))
        monkeypatch.undo()
        await spool.append(record(2))
        assert [file.records for file in status(folder)] == [1]


async def test_a_closed_spool_takes_nothing(folder: Path) -> None:
    async with spooling(folder, MIB) as spool:
        pass
    with pytest.raises(SpoolBroken, match="closed"):
        await spool.append(record(1))


async def test_what_waits_when_the_spool_closes_is_committed(folder: Path) -> None:
    async with spooling(folder, MIB) as spool:
        callers = [asyncio.create_task(spool.append(record(n))) for n in range(20)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*callers) == [None] * 20
    assert [(file.records, file.held) for file in status(folder)] == [(20, False)]


async def test_a_bug_fails_the_callers_instead_of_leaving_them_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append(*_: object) -> None:
        raise AssertionError("a bug")

    async with spooling(folder, MIB) as spool:
        monkeypatch.setattr(SpoolFile, "append", append)
        ends = await asyncio.gather(*(spool.append(record(n)) for n in range(3)), return_exceptions=True)
        assert [type(end) for end in ends] == [SpoolBroken] * 3
        monkeypatch.undo()
        with pytest.raises(AssertionError, match="a bug"):
            await spool._inbox._committer  # type: ignore[misc]  # it has run
        await spool.append(record(3))
        assert spool.state.records == 1


async def test_metrics_tell_what_is_in_the_spool(folder: Path) -> None:
    kafka = Kafka(away=True)
    appended, drained = _value(metrics.SPOOL_APPENDED), _value(metrics.SPOOL_DRAINED)
    async with draining(folder, kafka) as spool:
        await asyncio.gather(*(spool.append(record(n)) for n in range(3)))
        assert _value(metrics.SPOOL_RECORDS) == 3
        assert _value(metrics.SPOOL_BYTES) == spool.state.size_bytes
        await until(lambda: _value(metrics.SPOOL_OLDEST_AGE_SECONDS) > 0)
        kafka.away = False
        await until(lambda: _value(metrics.SPOOL_RECORDS) == 0)
        assert _value(metrics.SPOOL_BYTES) == _value(metrics.SPOOL_OLDEST_AGE_SECONDS) == 0
    assert _value(metrics.SPOOL_APPENDED) - appended == _value(metrics.SPOOL_DRAINED) - drained == 3


def _value(metric: Counter | Gauge) -> float:
    (family,) = metric.collect()
    return float(family.samples[0].value)


def _taken(folder: Path) -> claim.Claim:
    taken = [found for path in claim.paths(folder) if (found := claim.take_left(path))]
    assert len(taken) == 1
    return taken[0]
