"""The sender of the benchmarks: whatever it counts as answered was answered with 200."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice

import pytest
from aiohttp import web

from bench.load import HOST, PATH, Connection, NotTakenIn, connected, flood, head, pace, steady
from bench.songs import Song, Songs

Handler = Callable[[bytes], web.Response | Awaitable[web.Response]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on a free port that answers each body by ``handler``."""

    async def answer(request: web.BaseRequest) -> web.Response:
        assert (request.method, request.path) == ("POST", PATH)
        response = handler(await request.read())
        return response if isinstance(response, web.Response) else await response

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_flood_posts_every_song_once() -> None:
    received: list[bytes] = []

    def keep(body: bytes) -> web.Response:
        received.append(body)
        return web.Response(body=b"kept")

    songs = list(islice(Songs(500), 20))
    async with serving(keep) as port, connected(port, 3) as connections:
        answered = await flood(connections, songs)
    assert sorted(received) == sorted(song.body for song in songs)
    assert answered == len(songs)


async def test_flood_without_time_posts_once_on_each_connection() -> None:
    async with serving(lambda _: web.Response()) as port, connected(port, 4) as connections:
        assert await flood(connections, Songs(1), seconds=0) == 4


async def test_steady_posts_as_many_as_are_due() -> None:
    received: list[bytes] = []

    def keep(body: bytes) -> web.Response:
        received.append(body)
        return web.Response()

    async with serving(keep) as port, connected(port, 2) as connections:
        waits = await steady(connections, Songs(1), rate=1000, seconds=0.05)
    assert len(waits) == len(received) == len(set(received)) == 50
    assert min(waits) > 0


async def test_steady_counts_the_wait_for_a_connection_from_when_each_was_due() -> None:
    rate, posts = 200, 10
    last_is_due = asyncio.Event()

    def songs() -> Iterator[Song]:
        for number, song in zip(range(posts), Songs(1), strict=False):
            if number == posts - 1:
                last_is_due.set()
            yield song

    async def stall(_: bytes) -> web.Response:
        await last_is_due.wait()
        return web.Response()

    async with serving(stall) as port, connected(port, 1) as connections:
        waits = await steady(connections, songs(), rate, posts / rate)
    # The event comes after the last but one was due; by then each has waited since its own time.
    for number, wait in enumerate(sorted(waits, reverse=True)[: posts - 2]):
        assert wait >= (posts - 2 - number) / rate


async def test_a_connection_posts_with_the_head_that_is_made_for_it() -> None:
    def with_field(body: bytes) -> bytes:
        return head(body, f"{PATH}/behind", "X-Length-Seen: " + str(len(body)) + "\r\n")

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.path == f"{PATH}/behind"
        assert request.headers["X-Length-Seen"] == str(len(await request.read()))
        return web.Response()

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        async with connected(runner.addresses[0][1], 1, with_field) as connections:
            assert await flood(connections, Songs(1), seconds=0) == 1
    finally:
        await runner.cleanup()


async def test_pace_knows_of_each_song_when_it_was_sent_and_answered() -> None:
    songs = list(islice(Songs(1), 10))
    async with serving(lambda _: web.Response()) as port:
        posted = await pace(port, songs, rate=1000)
    assert posted.keys() == {song.task_id for song in songs}
    assert all(times.sent_at <= times.answered_at for times in posted.values())


async def test_another_answer_than_200_is_an_error_that_shows_it() -> None:
    async with (
        serving(lambda _: web.Response(status=503, text="not now")) as port,
        connected(port, 1) as connections,
    ):
        with pytest.raises(NotTakenIn, match=r"503 (?s:.*)not now"):
            await flood(connections, Songs(1))


class _Nowhere(asyncio.Transport):
    """Takes everything and sends it nowhere."""

    def is_closing(self) -> bool:
        return False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None: ...


async def test_an_answer_in_pieces_is_one_answer() -> None:
    connection = Connection()
    connection.connection_made(_Nowhere())
    for _ in range(2):
        posting = asyncio.ensure_future(connection.post(b"{}"))
        await asyncio.sleep(0)
        for piece in (b"HTTP/1.1 200 OK\r\nCon", b"tent-Length: 4\r\n", b"\r\nke"):
            connection.data_received(piece)
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not posting.done()
        connection.data_received(b"pt")
        await posting


async def test_a_connection_that_the_server_closes_is_an_error() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with (
        await asyncio.start_server(hang_up, HOST, 0) as server,
        connected(server.sockets[0].getsockname()[1], 1) as connections,
    ):
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            await flood(connections, Songs(1))
