"""What a verified sender posts that is no callback is kept, once, and within bounds."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from ingest.http.problems import Problem, unavailable
from ingest.limits import Budget
from ingest.publishing.batches import Unavailable
from ingest.quarantine import LINES_MAX, LINES_SECONDS, Quarantine
from ingest.record import Record
from schemas.headers import from_wire
from schemas.topics import Layout
from tests.unit.ingest.wire import CALLBACK, PATH, Published, exchange, post, running

LAYOUT = Layout("midi.", 1, 1, 1024)
TOKEN = "0123456789abcdef"  # noqa: S105 - a test's
HOUR = 60 * 60.0
RUBBISH = [b"", b"{", b"[]", b"null", b'{"task_id":7}', b"\xff", b"[" * 1000, b'{"task_id":""}']


@pytest.fixture
async def verified(published: Published) -> AsyncIterator[int]:
    """The port of an ingress that verifies a token."""
    async with running(published, origin="url-token", url_tokens=TOKEN) as port:
        yield port


def posted(body: bytes, token: str = TOKEN) -> bytes:
    return post(body).replace(PATH.encode(), f"{PATH}/{token}".encode(), 1)


@pytest.mark.parametrize("body", RUBBISH)
async def test_a_verified_body_that_is_no_callback_is_kept_aside(
    verified: int, published: Published, body: bytes
) -> None:
    answer = await exchange(verified, posted(body))

    assert (answer.status, answer.json()["status"]) == (200, "quarantined")
    assert answer.json()["reason"]
    (record,) = published.records
    digest = hashlib.sha256(body).hexdigest()
    assert (record.topic, record.key, record.value) == ("midi.failures", digest.encode(), body)
    headers = from_wire(record.headers)
    assert headers["error-reason"] == "quarantined"
    assert headers["error-worker"] == "ingest"
    assert headers["error-attempts"] == "1"
    assert answer.json()["reason"] in headers["error-message"]
    assert {"ce_id", "ce_time", "error-first-at", "error-last-at", "error-timestamp"} <= set(headers)


async def test_it_is_kept_once_and_answered_alike_each_time(verified: int, published: Published) -> None:
    answers = [await exchange(verified, posted(b"[]")) for _ in range(3)]

    assert len({answer.body for answer in answers}) == 1
    assert len(published.records) == 1


async def test_what_could_not_be_kept_is_not_taken_for_kept(verified: int, published: Published) -> None:
    published.error = Unavailable("away")
    assert (await exchange(verified, posted(b"[]"))).status == 503
    published.error = None
    assert (await exchange(verified, posted(b"[]"))).status == 200
    assert len(published.records) == 1


async def test_beyond_the_quota_it_is_refused_and_callbacks_are_not(published: Published) -> None:
    async with running(published, origin="url-token", url_tokens=TOKEN, quarantine_max_bytes=5) as port:
        assert [(await exchange(port, posted(body))).status for body in (b"[11]", b"[2]", b"{")] == [
            200,
            422,
            200,
        ]
        assert (await exchange(port, posted(b"{{"))).status == 400
        assert (await exchange(port, posted(CALLBACK))).status == 200


@pytest.mark.parametrize("origin", ["none", None])
@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422)])
async def test_where_nothing_is_verified_nothing_is_kept_aside(
    published: Published, origin: str | None, body: bytes, status: int
) -> None:
    async with running(published, origin=origin) as port:
        assert (await exchange(port, post(body))).status == status
    assert not published.records


async def test_what_is_not_verified_is_refused_and_goes_nowhere(verified: int, published: Published) -> None:
    assert (await exchange(verified, posted(b"[]", "another-token-000"))).status == 401
    assert not published.records


async def test_the_log_tells_what_was_set_aside_and_why_and_quotes_nothing_of_it(
    verified: int, published: Published
) -> None:
    body = b'{"task_id":["swordfish"]}'
    with capture_logs() as logs:
        for _ in range(2):
            assert (await exchange(verified, posted(body))).status == 200
    lines = [line for line in logs if line["event"] == "quarantined"]
    assert [line["what"] for line in lines] == ["kept", "repeat"]
    for line in lines:
        assert line["log_level"] == "warning"
        assert line["reason"] == "task_id: Expected a string at `task_id`, not an array."
        assert line["digest"] == hashlib.sha256(body).hexdigest() == published.records[0].key.decode()
        assert line["bytes"] == len(body)
    assert "swordfish" not in str(logs)


async def test_a_flood_of_what_is_no_callback_does_not_flood_the_log(
    verified: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("ingest.quarantine.monotonic", lambda: now)
    with capture_logs() as logs:
        for number in range(LINES_MAX + 5):
            await exchange(verified, posted(b"[%d]" % number))
        now = LINES_SECONDS
        await exchange(verified, posted(b"[]"))
    lines = [line for line in logs if line["event"] == "quarantined"]
    assert [line.get("left_out") for line in lines] == [None] * LINES_MAX + [5]


class Fail(Exception):
    """What nobody expects."""


async def test_equal_bodies_at_once_are_kept_once() -> None:
    kept, may_end = [], asyncio.Event()

    async def make_safe(record: Record) -> None:
        kept.append(record)
        await may_end.wait()

    quarantine = Quarantine(LAYOUT, 100, make_safe, Budget(100))
    keeping = [asyncio.create_task(quarantine.keep(b"[]", "why", [])) for _ in range(5)]
    await asyncio.sleep(0)
    may_end.set()

    assert await asyncio.gather(*keeping) == [True] * 5
    assert len(kept) == 1


async def test_who_waits_for_an_equal_body_is_told_when_that_is_not_safe() -> None:
    async def make_safe(_: Record) -> None:
        await asyncio.sleep(0)
        raise Fail

    quarantine = Quarantine(LAYOUT, 100, make_safe, Budget(100))
    ends = await asyncio.gather(
        *(quarantine.keep(b"[]", "why", []) for _ in range(3)), return_exceptions=True
    )

    assert [type(end) for end in ends] == [Fail, Problem, Problem]


async def test_what_could_not_be_kept_whatever_the_reason_takes_nothing_of_the_quota() -> None:
    errors: list[Exception] = [Fail(), unavailable("away")]

    async def make_safe(_: Record) -> None:
        if errors:
            raise errors.pop()

    quarantine = Quarantine(LAYOUT, 2, make_safe, Budget(100))
    with pytest.raises(Problem):
        await quarantine.keep(b"[]", "why", [])
    with pytest.raises(Fail):
        await quarantine.keep(b"[]", "why", [])
    assert await quarantine.keep(b"[]", "why", [])


async def test_the_quota_holds_for_each_day_and_comes_back_in_its_course(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("ingest.quarantine.monotonic", lambda: now)

    async def make_safe(_: Record) -> None:
        pass

    quarantine = Quarantine(LAYOUT, 100, make_safe, Budget(100))

    async def keeps(byte: bytes, length: int) -> bool:
        return await quarantine.keep(byte * length, "why", [])

    assert await keeps(b"a", 60)
    now = 12 * HOUR
    assert await keeps(b"b", 40)
    assert not await keeps(b"c", 1)
    now = 23.9 * HOUR
    assert not await keeps(b"c", 1), "no day has more, nor has the first"
    now = 25 * HOUR
    assert not await keeps(b"c", 61)
    assert await keeps(b"c", 60)
    assert not await keeps(b"d", 1)
    now = 1000 * HOUR
    assert not await keeps(b"e", 101)
    assert await keeps(b"e", 100)


async def test_equal_bodies_that_wait_for_one_another_are_bounded() -> None:
    may_end = asyncio.Event()

    async def make_safe(_: Record) -> None:
        await may_end.wait()

    waiting = Budget(20)
    quarantine = Quarantine(LAYOUT, 100, make_safe, waiting)
    keeping = [asyncio.create_task(quarantine.keep(b"x" * 10, "why", [])) for _ in range(5)]
    refused, _ = await asyncio.wait(keeping, timeout=None, return_when=asyncio.FIRST_COMPLETED)
    assert all("equal one" in str(end.exception()) for end in refused)
    may_end.set()
    ends = await asyncio.gather(*keeping, return_exceptions=True)
    assert [end is True for end in ends] == [True, True, True, False, False]
    assert waiting.taken_bytes == 0


async def test_equal_bodies_that_wait_for_one_another_count_as_in_flight() -> None:
    started, safe = asyncio.Event(), asyncio.Event()

    async def deliver(_: Record) -> None:
        started.set()
        await safe.wait()

    settings = {"origin": "url-token", "url_tokens": TOKEN, "max_in_flight": 2}
    async with running(deliver, **settings) as port:
        first = asyncio.create_task(exchange(port, posted(b"[]")))
        await started.wait()
        others = [asyncio.create_task(exchange(port, posted(b"[]"))) for _ in range(4)]
        refused, _ = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        assert {end.result().status for end in refused} == {503}
        safe.set()
        assert (await first).status == 200
        assert 503 in [(await other).status for other in others]
