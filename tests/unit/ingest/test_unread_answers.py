"""Senders that do not read their answers, and requests that pile up behind one: what is held is bounded, and ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE

from ingest.http.connections import ConnectionLimits, Server
from ingest.limits import Budget, Limit
from tests.unit.ingest.wire import Published, Refusals, Run, connection, post, request, running

UNREAD_BYTES = 64 * 1024
SMALL_BYTES = 4096
"""For buffers of the kernel, which would else hide megabytes from the ingress."""


@asynccontextmanager
async def serving(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], *, unread_timeout_seconds: float
) -> AsyncIterator[tuple[int, Server]]:
    """A server with small buffers, and its port."""
    limits = ConnectionLimits(8, 16 * 1024, unread_timeout_seconds, UNREAD_BYTES, unread_timeout_seconds)
    server = Server(handler, limits, Budget(2**30))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
        listener = await asyncio.get_running_loop().create_server(server, sock=bound)
        try:
            yield bound.getsockname()[1], server
        finally:
            listener.close()
            await server.shutdown(1)


@asynccontextmanager
async def mute(port: int) -> AsyncIterator[socket.socket]:
    """A connection on which nothing is read, with small buffers."""
    with socket.socket() as peer:
        peer.setblocking(False)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # what the other side's buffer grows by
        await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", port))
        yield peer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def is_left_unread(server: Server) -> bool:
    """Whether what senders send stays where it is."""
    return not any(transport.is_reading() for transport in server._connections.values())


async def of_length(_: web.BaseRequest, length: int) -> web.StreamResponse:
    return web.Response(body=bytes(length))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_a_sender_that_reads_no_answer_is_heard_no_more_and_then_hung_up_on(
    run: Run, refusals: Refusals
) -> None:
    published = Published()

    async def flood() -> None:
        async with running(published, unread_timeout_seconds=0.3) as port, mute(port) as peer:
            async with asyncio.timeout(20):
                while True:
                    await asyncio.get_running_loop().sock_sendall(peer, post() * 100)

    with pytest.raises(ConnectionError):
        await asyncio.to_thread(run, flood())
    assert len(published.records) < 10 * UNREAD_BYTES / len(post())
    assert refusals() == {Limit.UNREAD_ANSWERS: 1}


@pytest.mark.parametrize("kept", ["keep-alive", "close"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_what_little_is_left_unread_keeps_no_connection(run: Run, kept: str) -> None:
    async def leave_unread() -> None:
        async with (
            serving(lambda r: of_length(r, UNREAD_BYTES // 2), unread_timeout_seconds=0.3) as (port, server),
            mute(port) as peer,
        ):
            await asyncio.get_running_loop().sock_sendall(peer, request("GET", Connection=kept))
            await until(lambda: len(server.connections) == 1)
            await until(lambda: not server.connections)

    await asyncio.to_thread(run, leave_unread())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("wanted", [1, 5])
async def test_a_sender_that_reads_late_gets_every_answer(run: Run, wanted: int) -> None:
    length = 8 * UNREAD_BYTES

    async def read_late() -> None:
        async with (
            serving(lambda r: of_length(r, length), unread_timeout_seconds=20) as (port, server),
            connection(port) as peer,
        ):
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(wanted):
                await peer.send(request("GET"))
            await until(lambda: any(connection.writing_paused for connection in server.connections))
            assert is_left_unread(server)
            peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(wanted):
                assert len((await peer.answer()).body) == length
            await peer.send(request("GET"))
            assert (await peer.answer()).status == 200

    await asyncio.to_thread(run, read_late())


async def test_requests_that_pile_up_behind_one_are_left_unread() -> None:
    answer_now = asyncio.Event()

    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        await answer_now.wait()
        return web.Response()

    async with serving(handler, unread_timeout_seconds=20) as (port, server), connection(port) as peer:
        wanted = 10 * MAX_MSG_QUEUE_SIZE
        for _ in range(wanted):
            await peer.send(request("GET"))
        await until(lambda: is_left_unread(server))
        assert all(len(connection._messages) <= MAX_MSG_QUEUE_SIZE for connection in server.connections)
        answer_now.set()
        assert [(await peer.answer()).status for _ in range(wanted)] == [200] * wanted
