"""What is held at once is bounded, and who reaches a bound costs nobody else anything."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from ingest.http import body
from ingest.limits import Budget
from ingest.record import Record
from tests.topics import eventually
from tests.unit.ingest.wire import CALLBACK, Published, connection, exchange, handled, post, running

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
    published: Published, monkeypatch: pytest.MonkeyPatch
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
        assert (await exchange(port, post())).status == 200, "a small one asks for nothing"
        await first.send(post(LARGE)[-1:])
        assert (await first.answer()).status == 200


async def test_the_body_that_takes_longest_makes_room_for_others(
    published: Published, monkeypatch: pytest.MonkeyPatch
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
    assert len(published.records) == 1


async def test_beyond_the_most_callbacks_in_flight_it_is_503() -> None:
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
        safe.set()
        assert (await first.answer()).status == 200
        assert (await exchange(port, post())).status == 200


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
