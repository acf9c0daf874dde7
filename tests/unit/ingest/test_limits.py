"""What is held at once is bounded, and who reaches a bound costs nobody else anything."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ingest.http import body
from ingest.limits import Budget, Limit
from ingest.publishing.batches import Unavailable
from ingest.record import Record
from tests.topics import eventually
from tests.unit.ingest.wire import (
    CALLBACK,
    Published,
    Refusals,
    connection,
    exchange,
    handled,
    post,
    request,
    running,
)

LARGE = CALLBACK + b" " * 60_000


def test_a_budget_takes_what_fits_and_gets_it_back() -> None:
    budget = Budget(10)

    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give(10)
    assert budget.take(1000), "the first may be any size"
    assert not budget.take(1)


async def test_bodies_that_arrive_together_are_bounded_together(
    published: Published, monkeypatch: pytest.MonkeyPatch, refusals: Refusals
) -> None:
    """The newest is refused as long as nobody has been at it for long."""
    monkeypatch.setattr(body, "PATIENCE_SECONDS", 60)
    limits = {"max_body_bytes": 100_000, "max_in_flight_bytes": 200_000}
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(published, **limits))
        first, second = [await stack.enter_async_context(connection(port)) for _ in range(2)]
        await first.send(post(LARGE)[:-1])
        await handled(port)
        await second.send(post(LARGE)[:-1])
        answer = await second.answer()
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert refusals() == {Limit.ARRIVING_BYTES: 1}
        assert (await exchange(port, post())).status == 200, "a small one asks for nothing"
        await first.send(post(LARGE)[-1:])
        assert (await first.answer()).status == 200


async def test_the_body_that_takes_longest_makes_room_for_others(
    published: Published, monkeypatch: pytest.MonkeyPatch, refusals: Refusals
) -> None:
    monkeypatch.setattr(body, "PATIENCE_SECONDS", 0)
    limits = {"max_body_bytes": 100_000, "max_in_flight_bytes": 200_000}
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(published, **limits))
        stalled, other = [await stack.enter_async_context(connection(port)) for _ in range(2)]
        await stalled.send(post(LARGE)[:-1])
        await handled(port)
        head, rest = post(LARGE)[:-60_000], post(LARGE)[-60_000:]
        await other.send(head)
        await handled(port)
        await other.send(rest)
        assert (await other.answer()).status == 200
        assert (await stalled.answer()).status == 408
    assert refusals() == {Limit.ARRIVING_BYTES: 1}
    assert len(published.records) == 1


async def test_beyond_the_most_callbacks_in_flight_it_is_503(refusals: Refusals) -> None:
    started, safe = asyncio.Event(), asyncio.Event()

    async def deliver(_: Record) -> None:
        started.set()
        await safe.wait()

    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(deliver, max_in_flight=1))
        first = await stack.enter_async_context(connection(port))
        await first.send(post())
        await started.wait()
        answer = await exchange(port, post())
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert refusals() == {Limit.IN_FLIGHT: 1}
        safe.set()
        assert (await first.answer()).status == 200
        assert (await exchange(port, post())).status == 200


@pytest.mark.parametrize(
    ("settings", "sent", "limit"),
    [
        ({}, post(bytes(4097)), Limit.BODY_BYTES),
        ({"body_timeout_seconds": 0.05}, post()[:-1], Limit.BODY_SECONDS),
    ],
)
async def test_a_body_that_is_refused_is_counted_by_its_limit(
    published: Published, refusals: Refusals, settings: dict[str, Any], sent: bytes, limit: Limit
) -> None:
    async with running(published, **settings) as port:
        await exchange(port, sent)
    assert refusals() == {limit: 1}


@pytest.mark.parametrize("limit", [Limit.KAFKA_BYTES, Limit.KAFKA_SECONDS, Limit.SPOOL_FULL])
async def test_a_callback_that_cannot_be_made_safe_is_counted_by_its_limit(
    published: Published, refusals: Refusals, limit: Limit
) -> None:
    published.error = Unavailable("why", limit)
    async with running(published) as port:
        assert (await exchange(port, post())).status == 503
    assert refusals() == {limit: 1}


async def test_what_is_held_is_shown_by_where_it_is(published: Published) -> None:
    async with running(published, max_body_bytes=100_000) as port, connection(port) as peer:
        await peer.send(post(LARGE)[:-1])

        async def is_shown() -> bool:
            answer = await exchange(port, request("GET", "/metrics"))
            return b'\nmidi_ingest_held_bytes{where="arriving"} 60' in answer.body

        await eventually(is_shown, lambda: "not shown")


def test_the_documentation_tells_of_every_limit_and_of_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    table = text.partition("\n## Limits\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == sorted(Limit)


async def test_memory_that_a_refused_body_held_is_given_back(published: Published) -> None:
    limits = {"max_body_bytes": 100_000, "max_in_flight_bytes": 200_000, "body_timeout_seconds": 0.2}
    async with running(published, **limits) as port:
        async with connection(port) as peer:
            await peer.send(post(LARGE)[:-1])
            assert (await peer.answer()).status == 408
        async with connection(port) as peer:
            await peer.send(post(LARGE)[:-1])  # and hangs up

        async def is_received() -> bool:
            async with connection(port) as sender:
                await sender.send(post(LARGE)[:-60_000])
                await handled(port)
                await sender.send(post(LARGE)[-60_000:])
                return (await sender.answer()).status == 200

        await eventually(is_received, lambda: "the budget stays used up")
