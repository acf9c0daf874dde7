"""A sender that costs little: on a machine with few cores it takes its share from what is measured."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, cast

from bench.songs import Song

HOST: Final = "127.0.0.1"
PATH: Final = "/suno-midi-callback"
CONNECTIONS: Final = 32

_FIELDS: Final = (
    f"Host: {HOST}\r\nUser-Agent: midi-ingest-bench\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\nContent-Type: application/json\r\n"
)
"""As HTTP libraries send them."""

_LENGTH: Final = b"content-length:"


Head = Callable[[bytes], bytes]
"""Makes the head of the request that posts a body."""


def head(body: bytes, path: str = PATH, fields: str = "") -> bytes:
    """The head of a request; ``fields`` are more header fields, each with its end of line."""
    return f"POST {path} HTTP/1.1\r\n{_FIELDS}{fields}Content-Length: {len(body)}\r\n\r\n".encode()


class NotTakenIn(RuntimeError):
    """A callback was not answered with 200; the message shows the answer."""


class Connection(asyncio.Protocol):
    """One keep-alive connection, which posts one callback at a time."""

    def __init__(self, make_head: Head = head) -> None:
        self._make_head = make_head
        self._answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Collect the answer until it is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= _content_length(head):
            self._answered.set_result(bytes(self._received))
            self._received.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer gets none."""
        if not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the server closed the connection"))
            self._answered.exception()  # nobody has to be waiting

    async def post(self, body: bytes) -> None:
        """Post a callback and wait until it is answered.

        Raises:
            NotTakenIn: the answer is not 200.
            OSError: the connection is lost.
        """
        if self._transport.is_closing():
            raise ConnectionResetError("the server closed the connection")
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.writelines([self._make_head(body), body])
        answer = await self._answered
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise NotTakenIn(answer.decode(errors="replace"))

    def close(self) -> None:
        """End it."""
        self._transport.close()


@dataclass(frozen=True, slots=True)
class Posted:
    """When a callback was sent and when it was answered, in seconds since 1970."""

    sent_at: float
    answered_at: float


@asynccontextmanager
async def connected(port: int, connections: int, make_head: Head = head) -> AsyncIterator[list[Connection]]:
    """So many connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    opened = await asyncio.gather(
        *(loop.create_connection(lambda: Connection(make_head), HOST, port) for _ in range(connections))
    )
    try:
        yield [connection for _, connection in opened]
    finally:
        for _, connection in opened:
            connection.close()


async def flood(connections: Sequence[Connection], songs: Iterable[Song], seconds: float = math.inf) -> int:
    """Post as fast as is answered, on each connection at least once, until time or songs are used up.

    Returns how many were answered.
    """
    queue = iter(songs)
    end = time.perf_counter() + seconds

    async def keep_posting(connection: Connection) -> int:
        answered = 0
        for song in queue:
            await connection.post(song.body)
            answered += 1
            if time.perf_counter() > end:
                break
        return answered

    return sum(await asyncio.gather(*map(keep_posting, connections)))


async def steady(
    connections: Sequence[Connection], songs: Iterable[Song], rate: float, seconds: float
) -> list[float]:
    """Post ``rate`` songs a second, evenly, on connections that are kept.

    Returns the seconds from when each song was due to its answer: one that had to wait for a free connection
    has waited, too. None leaves early; some leave late, since the loop's clock ticks in milliseconds.
    """
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for connection in connections:
        free.put_nowait(connection)
    answered_after: list[float] = []

    async def post(song: Song, due: float) -> None:
        connection = await free.get()
        await connection.post(song.body)
        free.put_nowait(connection)
        answered_after.append(time.perf_counter() - due)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, song in zip(range(round(rate * seconds)), songs, strict=False):
            due = started + number / rate
            await _until(due)
            group.create_task(post(song, due))
    return answered_after


async def _until(due: float) -> None:
    """Wait until ``due``, in `time.perf_counter`; uvloop rounds to milliseconds, in either direction."""
    while (left := due - time.perf_counter()) > 0:
        await asyncio.sleep(math.ceil(left * 1000) / 1000)


async def pace(port: int, songs: Iterable[Song], rate: float) -> dict[str, Posted]:
    """Post ``rate`` songs a second, however long answers take, each on a connection of its own, as senders do.

    Returns when each was posted, by task id.
    """
    posted: dict[str, Posted] = {}

    async def post(song: Song) -> None:
        sent_at = time.time()
        async with connected(port, 1) as [connection]:
            await connection.post(song.body)
        posted[song.task_id] = Posted(sent_at, time.time())

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, song in enumerate(songs):
            await _until(started + number / rate)
            group.create_task(post(song))
    return posted


def _content_length(head: bytes | bytearray) -> int:
    _, found, rest = head.lower().partition(_LENGTH)
    if not found:
        raise NotTakenIn(f"an answer without Content-Length: {head.decode(errors='replace')}")
    return int(rest.partition(b"\r\n")[0])
