"""What a verified sender posts that is no callback is kept, once, and within bounds."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from ingest.batches import Unavailable
from ingest.quarantine import Quarantine
from schemas.headers import from_wire
from schemas.topics import Layout
from tests.unit.ingest.wire import CALLBACK, PATH, Published, exchange, post, running

TOKEN = "0123456789abcdef"  # noqa: S105 - a test's
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


def test_the_quota_comes_back_in_the_course_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ingest.quarantine.monotonic", lambda: now)
    quarantine = Quarantine(Layout("midi.", 1, 1, 1024), 100)

    assert quarantine.take(100)
    assert not quarantine.take(1)
    now = 12 * 60 * 60.0
    assert quarantine.take(50)
    assert not quarantine.take(1)
    now = 365 * 24 * 60 * 60.0
    assert not quarantine.take(101)
    assert quarantine.take(100)
