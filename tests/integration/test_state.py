"""A worker's state on this machine's disk, against its changelog on a real Kafka."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import msgspec
import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from prometheus_client import REGISTRY

from broker import clients, topics
from broker.changelogs import Identity, identify
from broker.embedded.ports import free_port
from broker.topics import TopicsError
from midi_ingest.settings import Settings
from schemas.message import Body, Message
from schemas.topics import FAILURES, changelog
from tests.topics import Seen, delete_topics, eventually, read_all, read_until, write
from workers.runtime.api import State, Worker, worker
from workers.runtime.run import run
from workers.runtime.state import StateError, StoreError
from workers.runtime.state.files import claim, open_store, path_of
from workers.runtime.state.sqlite import SqliteStore
from workers.runtime.state.store import Change

ROOT = Path(__file__).parents[2]
WINDOW_MS = 30 * 24 * 60 * 60 * 1000


class Word(Body, topic="test.words"):
    """What the worker of these tests reads."""


class Counted(Message, topic="test.counted"):
    """What it writes."""

    times: int


class Times(msgspec.Struct, frozen=True):
    """What it remembers of a key."""

    times: int


@worker("tally", reads=Word, writes=Counted)
def tally(_word: Word, state: State[Times]) -> Counted:
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(Times(times))
    return Counted(times=times)


class NewerTimes(msgspec.Struct, frozen=True):
    """What its next version remembers."""

    version: ClassVar[int] = 2

    times: int
    since_2: str = ""


@worker("tally", reads=Word, writes=Counted)
def newer(_word: Word, state: State[NewerTimes]) -> Counted:
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(NewerTimes(times))
    return Counted(times=times)


@worker("tally", reads=Word, writes=Counted, guarantee="at-least-once")
def loose(_word: Word, state: State[Times]) -> Counted:
    times = (before.times if (before := state.get()) else 0) + 1
    state.put(Times(times))
    return Counted(times=times)


WORKER_FILE = f"{__file__}:tally"


@pytest.fixture
def on_disk(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a directory for state."""
    return settings.model_copy(update={"state_dir": tmp_path / "state"})


@asynccontextmanager
async def running(settings: Settings, of: Worker = tally) -> AsyncIterator[asyncio.Task[None]]:
    """Run the worker in this process."""
    await topics.apply(settings, of.topics(settings))
    stop = asyncio.Event()
    task = asyncio.create_task(run([of], settings, stop, version="test"))
    try:
        yield task
    finally:
        stop.set()
        await task


def counts_of(seen: Sequence[Seen], key: str) -> list[int]:
    return [Counted.decode(record.value).times for record in seen if record.key == key]


async def count(settings: Settings, *keys: str, times: Mapping[str, int]) -> None:
    """Give the worker a word for each key, and wait until it has counted each key so often, neither more nor less."""
    await write(settings, Word.topic, *((key, b"word", {}) for key in keys))

    def counted(seen: Sequence[Seen]) -> bool:
        return all(len(counts_of(seen, key)) >= n for key, n in times.items())

    seen = await read_until(settings, Counted.topic, counted)
    for key, n in times.items():
        assert counts_of(seen, key) == list(range(1, n + 1))


def restored(of: str = tally.name) -> float:
    """How many records of its changelog the worker has read so far, in this process."""
    samples = (
        s
        for m in REGISTRY.collect()
        for s in m.samples
        if s.name == "midi_ingest_worker_state_restored_total"
    )
    return sum(sample.value for sample in samples if sample.labels["worker"] == of)


@contextmanager
def opened(settings: Settings, partition: int) -> Iterator[SqliteStore]:
    """A lane's store, while no lane has it."""
    path = path_of(settings, tally.name, partition)
    store = open_store(path, WINDOW_MS)
    try:
        yield store
    finally:
        store.close()


async def partition_of(settings: Settings, key: str) -> int:
    (partition,) = {record.partition for record in await read_all(settings, Word.topic) if record.key == key}
    return partition


async def is_ready(port: int) -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


async def identity(settings: Settings, topic: str) -> Identity:
    consumer = clients.reader(settings)
    await consumer.start()
    try:
        return await identify(consumer, topic)
    finally:
        await consumer.stop()


async def append(settings: Settings, key: bytes, value: bytes | None, partition: int) -> int:
    """Write to the changelog as only a bug or a person would; returns the offset."""
    producer = clients.producer(settings)
    await producer.start()
    try:
        name = settings.layout.name(changelog(tally.name, settings.dedup_window))
        metadata = await producer.send_and_wait(name, value, key=key, partition=partition)
        return int(metadata.offset)
    finally:
        await producer.stop()


async def test_a_restart_reads_only_what_is_new(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", "b", "a", times={"a": 2, "b": 1})
    before = restored()
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 3})
    assert restored() == before


async def test_without_a_directory_state_is_restored_from_the_beginning(settings: Settings) -> None:
    async with running(settings):
        await count(settings, "a", "b", times={"a": 1, "b": 1})
    before = restored()
    async with running(settings):
        await count(settings, "a", times={"a": 2})
    assert restored() == before + 2


async def test_a_lane_that_was_elsewhere_meanwhile_reads_on_where_its_store_is(
    on_disk: Settings, tmp_path: Path
) -> None:
    elsewhere = on_disk.model_copy(update={"state_dir": tmp_path / "other-machine"})
    async with running(on_disk):
        await count(on_disk, "a", "b", times={"a": 1, "b": 1})
    async with running(elsewhere):
        await count(elsewhere, "a", "a", times={"a": 3})
    before = restored()
    async with running(on_disk):
        await count(on_disk, "a", "b", times={"a": 4, "b": 2})
    assert 1 <= restored() - before <= 2  # one record a batch


async def test_lanes_that_move_between_members_with_one_directory_keep_their_state(on_disk: Settings) -> None:
    keys = [f"key-{number}" for number in range(30)]
    async with running(on_disk):
        await count(on_disk, *keys, times=dict.fromkeys(keys, 1))
        async with running(on_disk.model_copy(update={"health_port": (port := free_port())})):
            await eventually(lambda: is_ready(port), lambda: "the second member has no lanes")
            await count(on_disk, *keys, times=dict.fromkeys(keys, 2))
        await count(on_disk, *keys, times=dict.fromkeys(keys, 3))
    before = restored()
    async with running(on_disk):
        await count(on_disk, *keys, times=dict.fromkeys(keys, 4))
    assert restored() == before


async def test_a_lane_whose_store_another_process_has_works_without_it(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
    path = path_of(on_disk, tally.name, await partition_of(on_disk, "a"))
    assert path is not None
    zombie = claim(path)
    assert zombie is not None
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 2})
    os.close(zombie)
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 3})


@pytest.mark.parametrize(
    ("method", "error"), [("get_all", StoreError("broken")), ("_put", sqlite3.OperationalError("broken"))]
)
async def test_a_store_that_fails_interrupts_its_lane_and_nothing_is_lost(
    on_disk: Settings, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception
) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
        works, fails = getattr(SqliteStore, method), iter([True])

        def fails_once(store: SqliteStore, given: Any) -> Any:
            if given and next(fails, False):
                raise error
            return works(store, given)

        monkeypatch.setattr(SqliteStore, method, fails_once)
        await count(on_disk, "a", times={"a": 2})
        await count(on_disk, "a", times={"a": 3})
        assert list(fails) == []
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 4})
    assert await read_all(on_disk, FAILURES) == []


@pytest.mark.parametrize(
    "change", [{"as_of_ms": 0}, {"topic_id": "0" * 32}, {"shape": "other"}, {"position": 10**6}]
)
async def test_a_store_that_may_have_missed_a_deletion_is_filled_from_the_beginning(
    on_disk: Settings, change: dict[str, Any]
) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
    partition = await partition_of(on_disk, "a")
    with opened(on_disk, partition) as store:
        assert store.checkpoint is not None
        # what Kafka has deleted meanwhile, together with its tombstone
        store.apply([Change("a", b'{"times":40}', store.newest_ms)], replace(store.checkpoint, **change))
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 2})


async def test_a_topic_that_was_made_anew_is_another_topic(on_disk: Settings) -> None:
    log = changelog(tally.name, on_disk.dedup_window)
    await topics.apply(on_disk, [log])
    name = on_disk.layout.name(log)
    before = await identity(on_disk, name)
    assert before.tombstones_kept_ms == 24 * 60 * 60 * 1000
    assert await identity(on_disk, name) == before
    await delete_topics(on_disk)

    async def made() -> bool:
        try:
            await topics.apply(on_disk, [log])
            await topics.check(on_disk, [log])
            return (await identity(on_disk, name)).topic_id not in {None, before.topic_id}
        except (TopicsError, UnknownTopicOrPartitionError):
            return False

    await eventually(made, lambda: "the topic was not made anew")


async def test_without_fencing_a_store_is_only_complete_up_to_where_somebody_else_has_written(
    on_disk: Settings,
) -> None:
    async with running(on_disk, loose):
        await count(on_disk, "a", times={"a": 1})
    partition, before = await partition_of(on_disk, "a"), restored()
    async with running(on_disk, loose):
        await count(on_disk, "a", times={"a": 2})
        assert restored() == before  # nobody else has written so far
        await append(on_disk, b"a", b'{"times":0}', partition)  # as a member that lost the lane may
        await count(on_disk, "a", times={"a": 3})
        await append(on_disk, b"a", b'{"times":3}', partition)
    async with running(on_disk, loose):
        await count(on_disk, "a", times={"a": 4})
    assert restored() == before + 3


async def test_a_transaction_that_was_aborted_leaves_nothing_in_the_store(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
    partition = await partition_of(on_disk, "a")
    producer = clients.producer(on_disk, transactional_id=f"{on_disk.topic_prefix}{tally.name}-{partition}")
    await producer.start()
    await producer.begin_transaction()
    name = on_disk.layout.name(changelog(tally.name, on_disk.dedup_window))
    await producer.send_and_wait(name, b'{"times":40}', key=b"a", partition=partition)
    await producer.abort_transaction()
    await producer.stop()
    for times in (2, 3):
        async with running(on_disk):
            await count(on_disk, "a", times={"a": times})


async def midi_ingest(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Run the command; its exit code, standard output and standard error."""
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "MIDI_INGEST_TOPIC_PREFIX": settings.topic_prefix,
        "MIDI_INGEST_PARTITIONS": str(settings.partitions),
        "MIDI_INGEST_STATE_DIR": str(settings.state_dir),
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "midi_ingest", *arguments),
        env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def test_a_record_that_cannot_be_read_stops_the_lane_and_rebuild_repairs(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", "b", times={"a": 1, "b": 1})
    partition = await partition_of(on_disk, "a")
    offset = await append(on_disk, b"a", b"{", partition)
    position = f"{on_disk.topic_prefix}tally.changelog/{partition}/{offset}"
    with pytest.raises(StateError, match=rf"{position} cannot be read.*midi-ingest state rebuild tally"):
        async with running(on_disk) as task:
            await asyncio.wait([task])

    code, output, errors = await midi_ingest(on_disk, "state", "rebuild", WORKER_FILE)
    assert code == 1
    assert f"{position}, key b'a': " in output
    assert "--forget" in errors
    code, output, _ = await midi_ingest(on_disk, "state", "rebuild", WORKER_FILE, "--forget", position)
    assert (code, f"would be forgotten: {position}" in output) == (0, True)
    code, _, errors = await midi_ingest(
        on_disk, "state", "rebuild", WORKER_FILE, "--yes", "--forget", position.rpartition("/")[0] + "/0"
    )
    assert (code, "Nothing to forget at offset 0" in errors) == (1, True)
    with pytest.raises(StateError):  # so far nothing was changed
        async with running(on_disk) as task:
            await asyncio.wait([task])

    code, output, _ = await midi_ingest(
        on_disk, "state", "rebuild", WORKER_FILE, "--forget", position, "--yes"
    )
    assert (code, f"forgotten: {position}" in output) == (0, True)
    async with running(on_disk):
        await write(on_disk, Word.topic, ("a", b"word", {}), ("b", b"word", {}))
        seen = await read_until(on_disk, Counted.topic, lambda records: len(records) == 4)
    assert (counts_of(seen, "a"), counts_of(seen, "b")) == ([1, 1], [1, 2])


async def test_a_value_of_a_newer_version_stops_the_lane_and_says_so(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
    async with running(on_disk, newer):
        await count(on_disk, "a", times={"a": 2})
    with pytest.raises(
        StateError, match=r"tally\.changelog/\d/\d+ .* version 2, this worker knows none above 1"
    ):
        async with running(on_disk) as task:
            await asyncio.wait([task])
    async with running(on_disk, newer):
        await count(on_disk, "a", times={"a": 3})


async def test_rebuild_fills_a_store_anew_unless_a_running_process_has_it(on_disk: Settings) -> None:
    async with running(on_disk):
        await count(on_disk, "a", times={"a": 1})
        partition = await partition_of(on_disk, "a")
        one = ("state", "rebuild", WORKER_FILE, "--partition", str(partition))
        code, _, errors = await midi_ingest(on_disk, *one)
        assert (code, "A running process has" in errors) == (1, True)
    with opened(on_disk, partition) as store:
        store.apply([Change("never-was", b"{}", store.newest_ms)], store.checkpoint)
    code, output, _ = await midi_ingest(on_disk, *one)
    assert (code, output) == (0, f"partition {partition}: 1 key\n")
    with opened(on_disk, partition) as store:
        assert [change.key for change in store.items()] == ["a"]
    code, output, _ = await midi_ingest(on_disk, "state", "show", "--output", "json")
    shown = {store["file"]: store for store in msgspec.json.decode(output)}
    mine = shown[f"{on_disk.topic_prefix}tally-{partition}.sqlite3"]
    assert (code, mine["keys"], mine["held"], mine["error"]) == (0, 1, False, None)


async def test_wrong_uses_of_rebuild_are_said_before_anything_is_done(on_disk: Settings) -> None:
    wrong = {
        ("render",): "render remembers nothing",
        ("deduplicate", "--partition", "99"): "no partition 99",
        ("deduplicate", "--forget", "midi.other/0/0"): "deduplicate.changelog/PARTITION/OFFSET",
    }
    for arguments, said in wrong.items():
        code, _, errors = await midi_ingest(on_disk, "state", "rebuild", *arguments)
        assert (code, said in errors) == (2, True), errors
