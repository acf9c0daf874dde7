"""What a worker tells of itself while it cannot get on, on a real Kafka: its health, and how far it is behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client import REGISTRY

from broker import clients, topics
from broker.embedded.ports import free_port
from midi_ingest.settings import Settings
from tests.faults.words import Counted, Word
from tests.lanes import counted, running, words
from tests.topics import eventually
from workers.runtime import feeds, vitals
from workers.runtime.api import Unavailable, Worker, worker
from workers.runtime.feed import Feed
from workers.runtime.feeds import Opening
from workers.runtime.lateness import Lateness


@pytest.fixture
def observed(settings: Settings) -> Settings:
    """Settings with a health port, and one partition's worth of lanes to look at."""
    return settings.model_copy(update={"health_port": free_port()})


async def told(settings: Settings, path: str) -> tuple[int, Any]:
    """What the side port answers."""
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{settings.health_port}") as session,
        session.get(path) as answer,
    ):
        return answer.status, await answer.json()


async def until(settings: Settings, path: str, right: Callable[[int, Any], bool]) -> Any:
    """The first answer that is right."""
    last: list[Any] = []

    async def is_right() -> bool:
        with contextlib.suppress(aiohttp.ClientConnectorError):  # it does not listen yet
            last[:] = await told(settings, path)
        return bool(last) and right(last[0], last[1])

    await eventually(is_right, lambda: f"{path} still says {last}")
    return last[1]


def sums(of: Worker, *metrics: str) -> list[float]:
    """Each gauge's sum over the partitions of one worker's lanes."""
    samples = [s for m in REGISTRY.collect() for s in m.samples if s.labels.get("worker") == of.name]
    return [sum(s.value for s in samples if s.name == f"midi_ingest_worker_{metric}") for metric in metrics]


async def shows(of: Worker, metrics: str, right: Callable[..., bool]) -> None:
    """Wait until some gauges of a worker are right."""

    async def are_right() -> bool:
        return right(*sums(of, *metrics.split()))

    await eventually(are_right, lambda: f"{metrics} are {sums(of, *metrics.split())}")


async def test_a_worker_that_waits_is_healthy_and_tells_what_for_and_what_waits(observed: Settings) -> None:
    back = threading.Event()

    @worker("watched-needy", reads=Word, writes=Counted)
    def needy(word: Word) -> Counted:
        if not back.is_set():
            raise Unavailable("the disk is full")
        return Counted(word=word.body.decode(), times=1)

    async with running(observed, needy):
        await words(observed, ("a", "one"), ("a", "two"), ("a", "three"))
        body = await until(observed, "/readyz", lambda status, body: status == 200 and "lanes" in body)
        assert list(body["lanes"].values()) == ["waiting (the disk is full)"]
        await shows(needy, "lag stable_lag", lambda *lags: lags == (3, 3))
        await shows(needy, "oldest_age_seconds", lambda age: age > 2)
        assert sums(needy, "stuck_seconds") < [2]
        assert await told(observed, "/healthz") == (200, {"status": "ok"})
        back.set()
        assert len(await counted(observed, 3)) == 3
        await shows(needy, "lag stable_lag oldest_age_seconds", lambda *late: late == (0, 0, 0))
        await until(observed, "/readyz", lambda _, body: body == {"status": "ok"})


async def test_a_worker_shows_since_when_it_runs(observed: Settings) -> None:
    @worker("watched-young", reads=Word, writes=Counted)
    def young(word: Word) -> Counted:
        return Counted(word=word.body.decode(), times=1)

    before = time.time()
    async with running(observed, young):
        await until(observed, "/readyz", lambda status, _: status == 200)
        began = REGISTRY.get_sample_value("midi_ingest_start_time_seconds", {"part": young.name})
        assert began is not None
        assert before <= began <= time.time()


async def test_an_open_transaction_shows_and_makes_nobody_stuck(
    observed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of what may not be read yet, Kafka tells once a fetch has waited in vain.
    monkeypatch.setattr(feeds, "FETCH_WAIT_MS", 200)

    @worker("watched-patient", reads=Word, writes=Counted)
    def patient(word: Word) -> Counted:
        return Counted(word=word.body.decode(), times=1)

    await topics.apply(observed, patient.topics(observed))
    producer = clients.producer(observed, transactional_id=f"{observed.topic_prefix}open")
    await producer.start()
    try:
        async with running(observed, patient):
            await producer.begin_transaction()
            await producer.send_and_wait(observed.layout.name(Word.topic), b"late", key=b"a", partition=0)
            await shows(patient, "lag stable_lag", lambda *lags: lags == (1, 0))
            assert sums(patient, "oldest_age_seconds", "stuck_seconds") == [0, 0]
            await producer.commit_transaction()
            assert [word for _, word, _ in await counted(observed, 1)] == ["late"]
            await shows(patient, "lag stable_lag", lambda *lags: lags == (0, 0))
            assert sums(patient, "lane_states") == [3]
    finally:
        await producer.stop()


async def test_a_lane_that_gets_nowhere_makes_its_process_unhealthy(
    observed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: Feed) -> None:
        await asyncio.Event().wait()

    @worker("stuck", reads=Word, writes=Counted)
    def stuck(word: Word) -> Counted:
        return Counted(word=word.body.decode(), times=1)

    monkeypatch.setattr(Feed, "wait", never)
    monkeypatch.setattr(vitals, "_longest_step_seconds", lambda *_: 0.0)
    impatient = observed.model_copy(update={"stuck_seconds": 1.5})
    async with running(impatient, stuck):
        assert await until(impatient, "/readyz", lambda status, _: status == 200) == {"status": "ok"}
        assert await told(impatient, "/healthz") == (200, {"status": "ok"})
        await words(impatient, ("a", "one"))
        body = await until(impatient, "/healthz", lambda status, _: status == 503)
        (lane,) = body["lanes"].values()
        assert body["why"] == "Lanes are stuck."
        assert lane.startswith("ready, stuck for ")


async def test_a_worker_that_is_not_ready_says_why(
    observed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, as_it_was = asyncio.Event(), Opening.feeds

    async def held(opening: Opening) -> list[Feed]:
        await opened.wait()
        return await as_it_was(opening)

    @worker("slow", reads=Word, writes=Counted)
    def slow(word: Word) -> Counted:
        return Counted(word=word.body.decode(), times=1)

    monkeypatch.setattr(Opening, "feeds", held)
    async with running(observed, slow):
        body = await until(observed, "/readyz", lambda _, body: "lanes" in body)
        lanes = {f"slow-{number}": "opening" for number in range(3)}
        assert body == {"status": "unavailable", "why": "3 of 3 lanes are not open.", "lanes": lanes}
        opened.set()
        assert await until(observed, "/readyz", lambda status, _: status == 200) == {"status": "ok"}


async def test_a_process_whose_watch_has_failed_ends(
    observed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would tell for ever what it has seen last."""

    @worker("unwatched", reads=Word, writes=Counted)
    def unwatched(word: Word) -> Counted:
        return Counted(word=word.body.decode(), times=1)

    monkeypatch.setattr(Lateness, "look", lambda *_: 1 / 0)
    with pytest.raises(ExceptionGroup):
        async with running(observed, unwatched) as process, asyncio.timeout(30):
            await asyncio.wait([process])
