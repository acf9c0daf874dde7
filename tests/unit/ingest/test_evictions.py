"""Where bodies that arrive have no room, a stalled one gives way: within bounds, and with an answer."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from math import inf

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from ingest.http.body import Bodies, BodyLimits
from ingest.http.problems import Problem
from ingest.limits import Budget

LIMIT = 100_000
PATIENCE_SECONDS = 20


class Arriving:
    """A body on its way, which arrives when the test says so."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        protocol = BaseProtocol(asyncio.get_running_loop())
        protocol.connection_made(asyncio.Transport())
        self._content = StreamReader(protocol, LIMIT)
        self.reading = asyncio.create_task(bodies._wait_for(self._content))

    def send(self, length_bytes: int) -> None:
        self._content.feed_data(bytes(length_bytes))

    def stall(self) -> None:
        """Be as one that has been arriving for long."""
        self._bodies._arriving[self.timer].since = -inf

    @property
    def timer(self) -> asyncio.Timeout:
        return list(self._bodies._arriving)[-1]

    async def received(self) -> bytes:
        """The body, of which no more comes."""
        self._content.feed_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reading

    async def refused(self) -> HTTPStatus:
        with pytest.raises(Problem) as refusal:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.reading
        return refusal.value.status


@pytest.fixture
def budget() -> Budget:
    return Budget(LIMIT)


@pytest.fixture
def bodies(budget: Budget) -> Bodies:
    return Bodies(BodyLimits(LIMIT, PATIENCE_SECONDS), budget)


async def begin(bodies: Bodies) -> Arriving:
    arriving = Arriving(bodies)
    await asyncio.sleep(0)
    return arriving


async def stalled(bodies: Bodies, length_bytes: int) -> Arriving:
    """A body of which so many bytes are here, for long already."""
    arriving = await begin(bodies)
    arriving.send(length_bytes)
    await asyncio.sleep(0)
    arriving.stall()
    return arriving


async def test_what_would_not_fit_into_the_room_of_any_stalled_body_is_refused(
    bodies: Bodies, budget: Budget
) -> None:
    small = [await stalled(bodies, LIMIT // 10) for _ in range(10)]
    large = await begin(bodies)
    large.send(LIMIT // 2)

    assert await large.refused() == HTTPStatus.SERVICE_UNAVAILABLE
    assert budget.taken_bytes == LIMIT
    for one in small:
        assert len(await one.received()) == LIMIT // 10, "none gave way in vain"


async def test_a_stalled_body_makes_room_once_however_many_ask_in_the_same_turn(
    bodies: Bodies, budget: Budget
) -> None:
    slow = await stalled(bodies, LIMIT)
    first, second = await begin(bodies), await begin(bodies)
    first.send(LIMIT // 2)
    second.send(LIMIT // 2)

    assert await second.refused() == HTTPStatus.SERVICE_UNAVAILABLE
    assert await slow.refused() == HTTPStatus.REQUEST_TIMEOUT
    assert len(await first.received()) == LIMIT // 2
    assert budget.taken_bytes == 0


async def test_a_body_whose_own_time_ends_as_it_gives_way_is_408_and_the_other_is_read(
    bodies: Bodies, budget: Budget
) -> None:
    slow = await stalled(bodies, LIMIT)
    its_timer = slow.timer
    other = await begin(bodies)
    its_timer.reschedule(asyncio.get_running_loop().time())  # it fires before the other body is looked at
    other.send(LIMIT // 2)

    assert await slow.refused() == HTTPStatus.REQUEST_TIMEOUT
    assert its_timer.expired()
    assert len(await other.received()) == LIMIT // 2
    assert budget.taken_bytes == 0
