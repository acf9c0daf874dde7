"""HTTP around the callback: paths, methods, connections, and what is no HTTP at all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
import uvloop
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from ingest import server
from ingest.limits import Limit
from ingest.record import Record
from tests.unit.ingest.wire import (
    CALLBACK,
    PATH,
    Connection,
    Published,
    Refusals,
    Run,
    connection,
    exchange,
    handled,
    post,
    request,
    running,
)


async def test_another_path_is_404(port: int, published: Published) -> None:
    for path in ("/", f"{PATH}/", f"{PATH}/x", "/SUNO-MIDI-CALLBACK", "//healthz"):
        answer = await exchange(port, post().replace(PATH.encode(), path.encode(), 1))
        assert (answer.status, answer.json()["title"]) == (404, "Not Found"), path
    assert not published.records


async def test_the_path_is_a_setting(published: Published) -> None:
    async with running(published, path="/hooks/suno") as port:
        assert (await exchange(port, post())).status == 404
        assert (await exchange(port, post().replace(PATH.encode(), b"/hooks/suno", 1))).status == 200


@pytest.mark.parametrize(
    "target", [f"{PATH}?a=b&c", f"{PATH}#x", f"http://other.test{PATH}", "/suno%2Dmidi-callback"]
)
async def test_the_same_path_written_otherwise_is_the_same(port: int, target: str) -> None:
    assert (await exchange(port, post().replace(PATH.encode(), target.encode(), 1))).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_another_method_is_405_and_says_which_are_allowed(port: int, method: str) -> None:
    answer = await exchange(port, request(method))
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert answer.json()["title"] == "Method Not Allowed"


async def test_head_is_answered_without_a_body(port: int) -> None:
    async with connection(port) as peer:
        for path, status in ((PATH, 405), ("/healthz", 200), ("/metrics", 200), ("/none", 404)):
            await peer.send(request("HEAD", path))
            assert (await peer.answer(head=True)).status == status, path
        await peer.send(post())
        assert (await peer.answer()).status == 200


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (PATH, "POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("*", "OPTIONS"),
    ],
)
async def test_options_are_told(port: int, path: str, allow: str) -> None:
    answer = await exchange(port, request("OPTIONS", path))
    assert (answer.status, answer.headers["allow"], answer.body) == (204, allow, b"")


async def test_posting_to_a_health_path_is_405(port: int) -> None:
    answer = await exchange(port, post().replace(PATH.encode(), b"/readyz", 1))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("is_ready", [True, False])
async def test_readiness_follows_kafka_and_liveness_does_not(published: Published, is_ready: bool) -> None:
    async with running(published, ready=is_ready) as port:
        assert (await exchange(port, request("GET", "/healthz"))).status == 200
        answer = await exchange(port, request("GET", "/readyz"))
    if is_ready:
        assert (answer.status, answer.json()) == (200, {"status": "ready", "kafka": True})
    else:
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_metrics_count_answers_and_bytes(port: int) -> None:
    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"midi_ingest_{name}", labels) or 0

    def counts() -> list[float]:
        return [
            sample("requests_total", route="callback", status="200"),
            sample("requests_total", route="callback", status="422"),
            sample("callback_seconds_count"),
            sample("callback_bytes_total"),
        ]

    before = counts()
    for body in (CALLBACK, CALLBACK, b"[]"):
        await exchange(port, post(body))

    assert [a - b for a, b in zip(counts(), before, strict=True)] == [2, 1, 3, 2 * len(CALLBACK)]
    shown = await exchange(port, request("GET", "/metrics"))
    assert shown.status == 200
    assert b'midi_ingest_requests_total{route="callback",status="200"}' in shown.body
    assert b"midi_ingest_callbacks_in_flight 0.0" in shown.body


async def test_http_1_1_connections_are_kept_and_http_1_0_ones_closed(port: int) -> None:
    async with connection(port) as peer:
        for _ in range(3):
            await peer.send(post())
            assert (await peer.answer()).status == 200
    async with connection(port) as peer:
        await peer.send(
            request("POST", body=CALLBACK, version="1.0", Content_Type="application/json", Host="")
        )
        answer = await peer.answer()
        assert (answer.version, answer.status) == ("HTTP/1.0", 200)
        assert await peer.ends()


async def test_http_1_0_may_ask_to_be_kept(port: int) -> None:
    old = request(
        "POST", body=CALLBACK, version="1.0", Content_Type="application/json", Connection="keep-alive"
    )
    async with connection(port) as peer:
        for _ in range(2):
            await peer.send(old)
            answer = await peer.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "keep-alive")


async def test_a_sender_that_asks_for_it_is_closed(port: int) -> None:
    async with connection(port) as peer:
        await peer.send(post(Connection="close"))
        answer = await peer.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await peer.ends()


async def test_pipelined_requests_are_answered_in_their_order(port: int, published: Published) -> None:
    bodies = [b'{"task_id":"%d"}' % n for n in range(50)]
    async with connection(port) as peer:
        await peer.send(b"".join(post(body) if n % 5 else post(b"[]") for n, body in enumerate(bodies)))
        statuses = [(await peer.answer()).status for _ in bodies]

    assert statuses == [200 if n % 5 else 422 for n in range(50)]
    assert [value for _, _, value, _ in published.records] == [b for n, b in enumerate(bodies) if n % 5]


@pytest.mark.parametrize(
    "data",
    [
        b"rubbish\r\n\r\n",
        b"STEAL /?my+secret HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"my+secret" * 2000),
        post(Content_Length="-1"),
        post(Content_Length="9" * 40),
        post(Content_Length="1, 2"),
        post(Transfer_Encoding="chunked"),
        post(b"", Transfer_Encoding="chunked") + b"my secret\r\n",
        post(**{f"X_{n}": "y" for n in range(200)}),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_400_and_not_repeated_in_log_or_answer(port: int, data: bytes) -> None:
    async with connection(port) as peer:
        with capture_logs() as logs:
            await peer.send(data)
            answer = await peer.answer()
        assert await peer.ends()

    assert (answer.version, answer.status, answer.json()["title"]) == ("HTTP/1.1", 400, "Bad Request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert [line["status"] for line in logs] == [400]
    assert "secret" not in str(logs)
    assert b"secret" not in answer.body
    assert (await exchange(port, post())).status == 200


async def test_who_had_just_connected_when_the_ingress_stops_is_answered(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LAST_REQUESTS_SECONDS", 20)
    ingress = AsyncExitStack()
    port = await ingress.enter_async_context(running(published))
    async with connection(port) as peer:
        await handled(port)
        stopping = asyncio.create_task(ingress.aclose())
        while await _is_listening(port):
            pass
        await peer.send(post())
        answer = await peer.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        await stopping


async def _is_listening(port: int) -> bool:
    try:
        await handled(port)
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return True


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("wanted", [1, 3])
async def test_who_sends_no_more_gets_the_answers_to_what_came_whole(run: Run, wanted: int) -> None:
    async def half_close() -> None:
        async def deliver(_: Record) -> None:
            await asyncio.wait_for(has_ended.wait(), 20)

        has_ended = asyncio.Event()
        async with running(deliver) as port, connection(port) as peer:
            await peer.send(post() * wanted)
            peer.writer.write_eof()
            await handled(port)
            has_ended.set()
            assert [(await peer.answer()).status for _ in range(wanted)] == [200] * wanted
            assert await peer.ends()

    await asyncio.to_thread(run, half_close())


@pytest.mark.parametrize("data", [post()[:-1], post()[:40], post() + post()[:-1], b""])
async def test_who_sends_no_more_in_the_midst_of_a_request_is_hung_up_on(
    published: Published, data: bytes
) -> None:
    async with running(published) as port, connection(port) as peer:
        await peer.send(data)
        peer.writer.write_eof()
        async with asyncio.timeout(20):
            await peer.reader.read()


@pytest.mark.parametrize("data", [b"", post(), post() + b"\r\n"])
async def test_a_connection_without_a_next_request_is_closed_in_silence(
    published: Published, data: bytes
) -> None:
    async with running(published, header_timeout_seconds=0.2) as port, connection(port) as peer:
        await peer.send(data)
        if data:
            assert (await peer.answer()).status == 200
        assert await peer.ends()


@pytest.mark.parametrize("before", [0, 1])
async def test_headers_that_stall_are_408(published: Published, before: int, refusals: Refusals) -> None:
    async with running(published, header_timeout_seconds=0.2) as port, connection(port) as peer:
        for _ in range(before):
            await peer.send(post())
            assert (await peer.answer()).status == 200
        await peer.send(post()[:40])
        answer = await peer.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await peer.ends()
    assert refusals() == {Limit.HEADER_SECONDS: 1}


@pytest.mark.parametrize("length", [1, 40, len(post()) - len(CALLBACK) - 2])
async def test_headers_that_stall_behind_another_request_are_408(published: Published, length: int) -> None:
    async with running(published, header_timeout_seconds=0.2) as port, connection(port) as peer:
        await peer.send(post() + post()[:length])
        assert [(await peer.answer()).status for _ in range(2)] == [200, 408]
        assert await peer.ends()


async def test_headers_that_trickle_have_no_more_time(published: Published) -> None:
    async with (
        running(published, header_timeout_seconds=0.3) as port,
        connection(port) as peer,
        asyncio.TaskGroup() as group,
    ):
        trickle = group.create_task(_trickle(peer))
        assert (await peer.answer()).status == 408
        trickle.cancel()


async def _trickle(peer: Connection) -> None:
    for byte in post():
        await peer.send(bytes([byte]))
        await asyncio.sleep(0.05)


async def test_beyond_the_most_connections_one_is_told_so_and_closed(
    published: Published, refusals: Refusals
) -> None:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(published, max_connections=2))
        first, _ = [await stack.enter_async_context(connection(port)) for _ in range(2)]
        await first.send(post())
        assert (await first.answer()).status == 200
        third = await stack.enter_async_context(connection(port))
        answer = await third.answer()
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert answer.json()["detail"]
        assert await third.ends()
        assert refusals() == {Limit.CONNECTIONS: 1}
        await first.send(post())
        assert (await first.answer()).status == 200


async def test_connect_and_upgrade_lead_nowhere(port: int) -> None:
    assert (await exchange(port, b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n")).status == 404
    answer = await exchange(port, post(Connection="Upgrade", Upgrade="websocket"))
    assert answer.status == 200


async def test_a_sender_that_hangs_up_within_a_body_is_no_error_of_ours(port: int) -> None:
    with capture_logs() as logs:
        async with connection(port) as peer:
            await peer.send(post()[:-1])
        async with asyncio.timeout(20):
            while not logs:
                await asyncio.sleep(0.01)

    assert [(line["event"], line["status"]) for line in logs] == [("answered", 400)]


async def test_a_sender_that_hangs_up_does_not_tear_its_publish() -> None:
    started, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def publish(_: Record) -> None:
        started.set()
        await gone.wait()
        ended.set()

    async with asyncio.timeout(20), running(publish) as port:
        async with connection(port) as peer:
            await peer.send(post())
            await started.wait()
            peer.writer.transport.abort()
        assert (await exchange(port, request("GET", "/healthz"))).status == 200
        gone.set()
        await ended.wait()


async def test_a_stopping_ingress_answers_what_is_under_way_and_takes_nothing_new() -> None:
    started, acknowledged = asyncio.Event(), asyncio.Event()
    keys = []

    async def publish(record: Record) -> None:
        keys.append(record.key)
        if record.key == b"publishing":
            started.set()
            await acknowledged.wait()

    async with AsyncExitStack() as senders, AsyncExitStack() as ingress, asyncio.timeout(20):
        port = await ingress.enter_async_context(running(publish))
        publishing, reading, idle = [await senders.enter_async_context(connection(port)) for _ in range(3)]
        await idle.send(post(b'{"task_id":"before"}'))
        assert (await idle.answer()).status == 200
        await publishing.send(post(b'{"task_id":"publishing"}'))
        await started.wait()
        body = b'{"task_id":"reading"}'
        await reading.send(post(body)[: -len(body)])
        await handled(port)

        stopping = asyncio.create_task(ingress.aclose())
        await _until_refused(port)
        await idle.send(request("GET", "/readyz"))
        answer = await idle.answer()
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        await reading.send(body)
        acknowledged.set()

        for sender in (publishing, reading):
            answer = await sender.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await sender.ends()
        await stopping
    assert keys == [b"before", b"publishing", b"reading"]


async def test_a_stopping_ingress_waits_no_longer_than_it_may() -> None:
    started = asyncio.Event()

    async def publish(_: Record) -> None:
        started.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(20), AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(publish, drain_timeout_seconds=0.1))
        peer = await stack.enter_async_context(connection(port))
        await peer.send(post())
        await started.wait()


async def _until_refused(port: int) -> None:
    while True:
        try:
            async with connection(port):
                await asyncio.sleep(0.01)
        except ConnectionError:
            return


async def test_a_target_whose_host_is_none_is_answered_and_its_connection_closed(port: int) -> None:
    async with connection(port) as peer:
        await peer.send(b"GET http://xn--a/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await peer.answer()
        assert (answer.status, answer.headers["connection"]) == (404, "close")
