"""Reading bodies: types, codings, sizes, slow senders, and senders that ask first."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc

import pytest
from structlog.testing import capture_logs

from ingest.record import Record
from tests.unit.ingest.wire import (
    CALLBACK,
    Published,
    chunked,
    connection,
    exchange,
    handled,
    post,
    request,
    running,
)

LIMIT = 4096


def callback_of(length: int) -> bytes:
    """A callback of exactly this many bytes."""
    return CALLBACK + b" " * (length - len(CALLBACK))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;x=y",
        "application/cloudevents+json",
    ],
)
async def test_json_under_any_of_its_names_is_read(port: int, content_type: str) -> None:
    assert (await exchange(port, post(Content_Type=content_type))).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
        "multipart/form-data; boundary=x",
    ],
)
async def test_another_content_type_is_415(port: int, published: Published, content_type: str) -> None:
    answer = await exchange(port, post(Content_Type=content_type))

    assert (answer.status, answer.json()["title"]) == (415, "Unsupported Media Type")
    assert answer.headers["accept"] == "application/json"
    assert not published.records


async def test_the_coding_identity_is_read(port: int) -> None:
    assert (await exchange(port, post(Content_Encoding="Identity"))).status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "unheard-of"])
async def test_another_content_encoding_is_415(port: int, published: Published, coding: str) -> None:
    answer = await exchange(port, post(gzip.compress(CALLBACK), Content_Encoding=coding))

    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert not published.records


@pytest.mark.parametrize("codings", [("identity", "gzip"), ("gzip", "identity"), ("", "br")])
async def test_each_content_encoding_is_looked_at(
    port: int, published: Published, codings: tuple[str, str]
) -> None:
    first, second = codings
    data = post(CALLBACK).replace(
        b"\r\n\r\n", f"\r\nContent-Encoding: {first}\r\nContent-Encoding: {second}\r\n\r\n".encode(), 1
    )
    assert (await exchange(port, data)).status == 415
    assert not published.records


async def test_a_gzip_bomb_is_refused_unopened(published: Published) -> None:
    bomb = gzip.compress(bytes(100 * 2**20))
    async with running(published, max_body_bytes=2**20) as port:
        tracemalloc.start()
        try:
            answer = await exchange(port, post(bomb, Content_Encoding="gzip"))
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert answer.status == 415
    assert peak_bytes < 10 * 2**20


async def test_gzip_without_its_header_is_no_json(port: int) -> None:
    assert (await exchange(port, post(gzip.compress(CALLBACK)))).status == 400


async def test_a_body_may_be_as_large_as_the_limit(port: int, published: Published) -> None:
    body = callback_of(LIMIT)
    assert (await exchange(port, post(body))).status == 200
    assert published.records[0].value == body


async def test_a_larger_length_is_413_before_any_of_the_body(port: int) -> None:
    async with connection(port) as peer:
        await peer.send(post(b"", Content_Length=str(LIMIT + 1)))
        answer = await peer.answer()

        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert answer.reason == answer.json()["title"] == "Content Too Large"
        assert str(LIMIT) in answer.json()["detail"]


async def test_chunks_are_read(port: int, published: Published) -> None:
    head = post(b"", Transfer_Encoding="chunked")
    assert (await exchange(port, head + chunked(CALLBACK[:9], CALLBACK[9:]))).status == 200
    assert published.records[0].value == CALLBACK


async def test_chunks_that_come_one_by_one_are_read(port: int, published: Published) -> None:
    async with connection(port) as peer:
        await peer.send(post(b"", Transfer_Encoding="chunked"))
        for part in (CALLBACK[:5], CALLBACK[5:]):
            await peer.send(chunked(part).removesuffix(b"0\r\n\r\n"))
            await handled(port)
        await peer.send(b"0\r\n\r\n")
        assert (await peer.answer()).status == 200
    assert published.records[0].value == CALLBACK


@pytest.mark.parametrize("size", [LIMIT + 1, 1000])
async def test_chunks_above_the_limit_are_413(port: int, published: Published, size: int) -> None:
    async with connection(port) as peer:
        await peer.send(post(b"", Transfer_Encoding="chunked"))
        for _ in range(LIMIT // size + 1):
            await peer.send(chunked(b" " * size).removesuffix(b"0\r\n\r\n"))
        answer = await peer.answer()

    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert not published.records


async def test_chunks_above_the_limit_that_come_at_once_are_413(port: int, published: Published) -> None:
    data = post(b"", Transfer_Encoding="chunked") + chunked(callback_of(LIMIT + 1))
    assert (await exchange(port, data)).status == 413
    assert not published.records


async def test_a_body_that_stalls_is_408_and_disturbs_nobody(published: Published) -> None:
    async with running(published, body_timeout_seconds=0.2) as port, connection(port) as peer:
        await peer.send(post()[:-1])
        assert (await exchange(port, post())).status == 200
        answer = await peer.answer()

    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert answer.json()["title"] == "Request Timeout"
    assert len(published.records) == 1


async def test_chunks_that_become_malformed_are_400_at_once(port: int, published: Published) -> None:
    async with connection(port) as peer:
        await peer.send(_unended())
        await handled(port)
        with capture_logs() as logs:
            await peer.send(b"rubbish\r\n" + post())
            answer = await peer.answer()
            assert await peer.ends()

    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert [line["status"] for line in logs] == [400]
    assert not published.records


async def test_malformed_chunks_behind_a_request_that_waits_are_400() -> None:
    started, acknowledged = asyncio.Event(), asyncio.Event()

    async def publish(_: Record) -> None:
        started.set()
        await acknowledged.wait()

    async with running(publish) as port, connection(port) as peer:
        await peer.send(post())
        await started.wait()
        await peer.send(_unended())
        await handled(port)
        await peer.send(b"rubbish\r\n")
        await handled(port)
        acknowledged.set()
        assert [(await peer.answer()).status for _ in range(2)] == [200, 400]
        assert await peer.ends()


def _unended() -> bytes:
    """A callback in chunks without the last one."""
    return post(b"", Transfer_Encoding="chunked") + chunked(CALLBACK).removesuffix(b"0\r\n\r\n")


async def test_a_body_in_pieces_is_read(port: int, published: Published) -> None:
    data = post()
    async with connection(port) as peer:
        for start in range(0, len(data), 40):
            await peer.send(data[start : start + 40])
            await handled(port)
        assert (await peer.answer()).status == 200
    assert published.records[0].value == CALLBACK


async def test_a_sender_that_asks_first_is_told_to_go_on(port: int) -> None:
    head, body = post(Expect="100-Continue").split(b"\r\n\r\n")
    async with connection(port) as peer:
        await peer.send(head + b"\r\n\r\n")
        assert (await peer.answer()).status == 100
        await peer.send(body)
        assert (await peer.answer()).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Length": str(LIMIT + 1)}, 413),
    ],
)
async def test_a_sender_that_asks_first_is_spared_the_body(
    port: int, headers: dict[str, str], status: int
) -> None:
    head, _ = post(Expect="100-continue", **headers).split(b"\r\n\r\n")
    async with connection(port) as peer:
        await peer.send(head + b"\r\n\r\n")
        answer = await peer.answer()

    assert (answer.status, answer.headers["connection"]) == (status, "close")


async def test_a_sender_that_asks_and_does_not_wait_gets_one_answer(port: int) -> None:
    assert (await exchange(port, post(Expect="100-continue"))).status == 200


async def test_http_1_0_is_never_told_to_go_on(port: int) -> None:
    head, body = request(
        "POST", body=CALLBACK, version="1.0", Expect="100-continue", Content_Type="application/json"
    ).split(b"\r\n\r\n")
    async with connection(port) as peer:
        await peer.send(head + b"\r\n\r\n")
        await handled(port)
        await peer.send(body)
        assert (await peer.answer()).status == 200


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_json_under_any_type_is_read_where_a_setting_says_so(
    published: Published, content_type: str
) -> None:
    async with running(published, any_content_type=True) as port:
        assert (await exchange(port, post(Content_Type=content_type))).status == 200
        assert (await exchange(port, post(Content_Encoding="gzip"))).status == 415
