"""What is no whole request yet, or waits behind one: little of it is held, and none costs much."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop
from aiohttp import web

from ingest.http.connections import TINY_CHUNK_BYTES, TINY_CHUNKS, ConnectionLimits, Server
from ingest.limits import Budget, Limit
from ingest.record import Record
from tests.unit.ingest.wire import (
    CALLBACK,
    Published,
    Refusals,
    Run,
    chunked,
    connection,
    exchange,
    post,
    running,
)

HEAD_BYTES = 16 * 1024
FIELD = b"X-More: %s\r\n" % (b"x" * 1000)


def endless(most_bytes: int) -> bytes:
    """The beginning of a request, as long as whole headers get, which do not end."""
    start = post().partition(b"\r\n\r\n")[0] + b"\r\n"
    return start + FIELD * ((most_bytes - len(start)) // len(FIELD))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_headers_without_end_are_refused_long_before_their_time_is_over(run: Run, refusals: Refusals) -> None:
    async def attack() -> None:
        async with running(Published(), header_timeout_seconds=300) as port, connection(port) as peer:
            await peer.send(endless(HEAD_BYTES + len(FIELD)))
            answer = await peer.answer()
            assert (answer.status, answer.json()["detail"]) == (
                400,
                "Expected headers of at most 16384 bytes.",
            )
            assert await peer.ends()

    run(attack())
    assert refusals() == {Limit.HEADER_BYTES: 1}


async def test_headers_in_pieces_are_counted_together_and_each_request_by_itself(
    published: Published,
) -> None:
    async with running(published) as port, connection(port) as peer:
        for _ in range(3):
            head = endless(HEAD_BYTES)
            for start in range(0, len(head), 5000):
                await peer.send(head[start : start + 5000])
                await asyncio.sleep(0)
            await peer.send(b"\r\n" + CALLBACK)
            assert (await peer.answer()).status == 200


class Gate:
    """Makes records safe once it is open."""

    def __init__(self) -> None:
        self.waiting, self.open = asyncio.Semaphore(0), asyncio.Event()

    async def __call__(self, _: Record) -> None:
        self.waiting.release()
        await self.open.wait()


BEHIND = post(CALLBACK + b" " * 3000)


async def test_what_waits_behind_unanswered_requests_is_bounded_over_all_connections(
    refusals: Refusals,
) -> None:
    gate = Gate()
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(gate, max_in_flight_bytes=4 * len(BEHIND)))
        peers = [await stack.enter_async_context(connection(port)) for _ in range(6)]
        for peer in peers:
            await peer.send(post())
            await gate.waiting.acquire()
            await peer.send(BEHIND)
        kept, dropped = peers[:2], peers[2:]
        for peer in dropped:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.answer()
        gate.open.set()
        for peer in kept:
            assert [(await peer.answer()).status for _ in range(2)] == [200, 200]
        for peer in kept:
            await peer.send(post() + BEHIND)
            assert [(await peer.answer()).status for _ in range(2)] == [200, 200]
    assert refusals() == {Limit.AHEAD_BYTES: 4}


async def test_a_body_in_tiny_chunks_is_refused_and_one_in_small_ones_is_not(
    published: Published, refusals: Refusals
) -> None:
    head = post(b"", Transfer_Encoding="chunked")
    padded = CALLBACK + b" " * (2 * TINY_CHUNKS * TINY_CHUNK_BYTES - len(CALLBACK))

    def cut(length_bytes: int) -> bytes:
        return chunked(*(padded[i : i + length_bytes] for i in range(0, len(padded), length_bytes)))

    async with running(published, max_body_bytes=100_000) as port:
        assert (await exchange(port, head + cut(1))).status == 400
        assert list(refusals()) == [Limit.TINY_CHUNKS]
        assert (await exchange(port, head + cut(TINY_CHUNK_BYTES))).status == 200
    assert [record.value for record in published.records] == [padded]


class EarlyOnce:
    """An event loop whose clock, the first time it is asked, shows the moment before a given time; then that time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        self._loop = loop
        self._shown = iter([at - 1e-6])
        self._at = at

    def time(self) -> float:
        return next(self._shown, self._at)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def test_headers_that_are_late_by_a_hair_are_told_so_too() -> None:
    limits = ConnectionLimits(8, HEAD_BYTES, 0.5, 2**16, 0.5)
    server = Server(refuse, limits, Budget(2**20))
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        async with connection(listener.sockets[0].getsockname()[1]) as peer:
            await peer.send(post())
            await peer.answer()
            await peer.send(post()[:40])
            (protocol,) = server.connections
            async with asyncio.timeout(20):
                while not protocol._head_bytes:  # type: ignore[attr-defined]  # ours
                    await asyncio.sleep(0)
            protocol._loop = EarlyOnce(protocol._loop, protocol._next_keepalive_close_time)  # type: ignore[assignment]
            protocol._process_keepalive()
            assert (await peer.answer()).status == 408
    finally:
        listener.close()
        await server.shutdown(1)


async def refuse(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=404)
