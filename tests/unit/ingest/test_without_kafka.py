"""The whole ingress while Kafka cannot be reached."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from ingest.limits import Budgets
from ingest.origin.guard import Guard
from ingest.publishing.batches import Unavailable
from ingest.publishing.publisher import publishing
from ingest.record import Record
from ingest.server import serve
from ingest.settings import IngressSettings
from tests.unit.ingest.wire import exchange, post, request

MIB = 2**20


@pytest.fixture
def nowhere() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def served(settings: IngressSettings) -> AsyncIterator[int]:
    """The ingress on a free port, stopped as a signal would stop it."""
    stop, bound = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(serve(settings, Guard(settings), stop, on_ready=bound.put_nowait))
    try:
        yield await bound.get()
    finally:
        stop.set()
        await serving


async def test_without_kafka_the_ingress_lives_is_not_ready_and_asks_to_come_again(nowhere: str) -> None:
    settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, port=0, publish_timeout_seconds=0.2)
    async with asyncio.timeout(20), served(settings) as port:
        assert (await exchange(port, request("GET", "/healthz"))).status == 200
        unready = await exchange(port, request("GET", "/readyz"))
        assert (unready.status, unready.json()["detail"]) in {
            (503, "Kafka has not answered yet."),
            (503, "Kafka does not answer."),
        }
        answers = await asyncio.gather(*(exchange(port, post()) for _ in range(20)))

    assert {answer.status for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)


async def test_a_stopping_ingress_is_not_ready_before_it_takes_no_more(nowhere: str) -> None:
    settings = IngressSettings(
        KAFKA_BOOTSTRAP_SERVERS=nowhere, port=0, publish_timeout_seconds=0.1, stop_delay_seconds=1
    )
    stop, bound = asyncio.Event(), asyncio.Queue[int]()
    serving = asyncio.create_task(serve(settings, Guard(settings), stop, on_ready=bound.put_nowait))
    async with asyncio.timeout(20):
        port = await bound.get()
        assert (await exchange(port, post())).headers.get("connection") is None
        stop.set()
        while (await exchange(port, request("GET", "/readyz"))).json()[
            "detail"
        ] != "The ingress is stopping.":
            pass
        answer = await exchange(port, post())
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        await serving
    with pytest.raises(ConnectionRefusedError):
        await exchange(port, post())


def record(key: bytes, length_bytes: int) -> Record:
    return Record("midi.callbacks", key, bytes(length_bytes), [])


@pytest.fixture
def held_hangup() -> Iterator[None]:
    """A SIGHUP that waits, as one does that comes before the ingress listens."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # should it still wait
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.usefixtures("held_hangup")
async def test_a_hangup_that_came_before_the_ingress_listens_is_heard_once_it_does(nowhere: str) -> None:
    settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, port=0)
    await hangs_up(settings, "no secrets to read again")


@pytest.mark.usefixtures("held_hangup")
async def test_a_hangup_is_told_which_files_were_read_and_how_many_secrets_each_has(
    nowhere: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text("# ours\nswordfish-0123456789\nsecond-0123456789abc\n")
    settings = IngressSettings(
        KAFKA_BOOTSTRAP_SERVERS=nowhere,
        port=0,
        origin="url-token,kie",
        url_tokens_file=file,
        kie_keys=SecretStr("swordfish-0123456789"),
    )
    line = await hangs_up(settings, "secrets read again")
    assert line == {"event": "secrets read again", "log_level": "info", "MIDI_INGEST_URL_TOKENS_FILE": 2}


async def hangs_up(settings: IngressSettings, event: str) -> MutableMapping[str, Any]:
    """Serve until the log has this event; its line."""
    with capture_logs() as logs:
        async with asyncio.timeout(20), served(settings):
            while not (lines := [line for line in logs if line["event"] == event]):
                await asyncio.sleep(0.01)
    return lines[0]


async def test_what_waits_for_kafka_is_bounded(nowhere: str) -> None:
    settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, publish_timeout_seconds=0.5)
    async with publishing(settings, Budgets.of(6 * MIB), on_failure=lambda: None) as kafka:
        waiting = kafka.publish(record(b"a", 2 * MIB))
        with pytest.raises(Unavailable, match="Too many"):
            kafka.publish(record(b"b", 2 * MIB))
        with pytest.raises(Unavailable, match="in time"):
            await waiting


async def test_once_kafka_has_been_away_for_long_nobody_waits_for_it(nowhere: str) -> None:
    settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, publish_timeout_seconds=0.1)
    async with publishing(settings, Budgets.of(MIB), on_failure=lambda: None) as kafka:
        with pytest.raises(Unavailable, match="in time"):
            await kafka.publish(record(b"a", 1))
        with pytest.raises(Unavailable, match="takes nothing now"):
            kafka.publish(record(b"a", 1))
        ends = await kafka.publish_all([record(b"a", 1), record(b"b", 1)])
        assert [type(end) for end in ends] == [Unavailable, Unavailable]


async def test_an_error_that_waiting_does_not_mend_ends_the_ingress(
    nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(*_: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr("broker.topics.check", check)
    settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, port=0)
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(20):
            await serve(settings, Guard(settings), asyncio.Event())
    assert failed.group_contains(AssertionError, match="a bug")


async def test_a_port_in_use_is_named(nowhere: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = IngressSettings(KAFKA_BOOTSTRAP_SERVERS=nowhere, port=port)
        with pytest.raises(OSError, match=rf"Cannot listen on 127\.0\.0\.1:{port}.*MIDI_INGEST_PORT"):
            await serve(settings, Guard(settings), asyncio.Event())


@pytest.mark.parametrize(
    "path",
    ["", "callback", "/a?b", "/a b", "/healthz", "/readyz", "/metrics", "/ü", "/a/../b", "/./a", "/.."],
)
def test_a_path_that_cannot_be_served_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="path"):
        IngressSettings(path=path)
