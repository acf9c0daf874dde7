"""HTTP as bytes on a connection, and an ingress to send them to: what a client library would hide or mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY

from ingest.callbacks import Callbacks, Deliver
from ingest.ingress import Ingress, State
from ingest.limits import Budgets, Limit
from ingest.origin.guard import Guard
from ingest.record import Record
from ingest.server import listening
from ingest.settings import IngressSettings

PATH = "/suno-midi-callback"
CALLBACK = b'{"code":200,"task_id":"5c79****be8e","data":{"state":"complete","instruments":[]}}'
PATIENCE_SECONDS = 20

Run = Callable[[Coroutine[Any, Any, None]], None]
"""`asyncio.run` or `uvloop.run`: what depends on the loop is tested in both, since the ingress runs in the latter."""


Refusals = Callable[[], dict[Limit, float]]
"""How often each limit has refused something; of those that have not, nothing."""


def refused() -> dict[Limit, float]:
    """How often each limit has refused something since the process began."""
    name = "midi_ingest_refused_total"
    return {limit: REGISTRY.get_sample_value(name, {"limit": limit.value}) or 0 for limit in Limit}


@dataclass(frozen=True)
class Answer:
    """One answer; the names of its headers are in lower case."""

    version: str
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection to the ingress."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, head: bool = False) -> Answer:
        """The next answer; one to HEAD has no body, whatever length it declares."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            version, status, reason = lines[0].split(" ", 2)
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:-2])}
            length = 0 if head else int(headers.get("content-length", 0))
            return Answer(version, int(status), reason, headers, await self.reader.readexactly(length))

    async def ends(self) -> bool:
        """Wait until the other side closes; whether it did so without another word."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read(1) == b""


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[Connection]:
    """A new connection, closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def exchange(port: int, data: bytes) -> Answer:
    """One request on a connection of its own, and its answer."""
    async with connection(port) as peer:
        await peer.send(data)
        return await peer.answer(head=data.startswith(b"HEAD"))


async def handled(port: int) -> None:
    """Wait until what was sent before on other connections has reached the ingress."""
    await exchange(port, request("GET", "/healthz"))


def request(method: str, path: str = PATH, body: bytes = b"", version: str = "1.1", **headers: str) -> bytes:
    """A request; underscores in names of headers become hyphens, and an empty value leaves a header out."""
    fields = {"Host": "ingress.test", "Content-Length": str(len(body)) if body else ""}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/{version}", *(f"{k}: {v}" for k, v in fields.items() if v), "", ""]
    return "\r\n".join(lines).encode() + body


def post(body: bytes = CALLBACK, /, **headers: str) -> bytes:
    """A callback as senders post it."""
    return request("POST", body=body, **{"Content_Type": "application/json"} | headers)


def chunked(*chunks: bytes) -> bytes:
    """Chunks of a body and its end (RFC 9112, section 7.1)."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


class Published:
    """Stands where Kafka and the spool do: keeps what it is given, and raises what it is told to."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.error: Exception | None = None

    async def __call__(self, record: Record) -> None:
        if self.error:
            raise self.error
        self.records.append(record)


@asynccontextmanager
async def running(deliver: Deliver, **settings: Any) -> AsyncIterator[int]:
    """An ingress on a free port, without Kafka, which is ``ready`` or not; yields the port."""
    ready = settings.pop("ready", True)
    chosen = IngressSettings(**{"port": 0, "max_body_bytes": 4096, **settings})
    budgets = Budgets.of(chosen.max_in_flight_bytes)
    callbacks = Callbacks(chosen, deliver, Guard(chosen), budgets)
    ingress = Ingress(chosen.path, callbacks, state=lambda: State(ready, {"kafka": ready}))
    async with listening(chosen, ingress, budgets) as port:
        yield port
