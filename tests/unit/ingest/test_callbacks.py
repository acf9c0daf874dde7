"""A callback's way in: what is received, what is refused and how that is said."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from ingest.publishing.batches import Unavailable
from schemas.headers import from_wire
from tests.unit.ingest.wire import CALLBACK, Published, connection, exchange, post, running
from tests.unit.schemas.dialects.senders import SENDERS, success

DEEP = b"[" * 100_000


def callback(**fields: object) -> bytes:
    return json.dumps({"task_id": "t", "code": 200, "data": None} | fields).encode()


async def test_a_callback_is_published_byte_for_byte_under_its_task_id(
    port: int, published: Published
) -> None:
    body = b' {"code" : 200,\r\n"task_id":"\\u00e4 %s", "data":{"instruments":[ ]}}\n' % "ü☃".encode()
    answer = await exchange(port, post(body))

    assert (answer.status, answer.body) == (200, b'{"status":"received"}')
    assert answer.headers["content-type"] == "application/json"
    ((_, key, value, _),) = published.records
    assert (key.decode(), value) == ("ä ü☃", body)


async def test_no_answer_names_the_software(port: int) -> None:
    for data in (post(), post(b"{"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"rubbish\r\n\r\n"):
        assert "server" not in (await exchange(port, data)).headers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(callback(data={"instruments": [{"notes": "x"}]}), id="the notes are not looked at"),
        pytest.param(callback(code=500, msg="no", data=None), id="failure"),
        pytest.param(b'{"task_id":"t","state":"running"}', id="no code"),
        pytest.param(b'{"taskId":"t"}', id="camel case"),
        pytest.param(b'{"data":{"taskId":"t"}}', id="id in data"),
        pytest.param(b'{"task_id":"t","n":1e400}', id="overflow"),
        pytest.param(b'{"task_id":"t","n":%s}' % (b"9" * 60), id="large integer"),
        pytest.param(b'{"task_id":"u","task_id":"t"}', id="duplicate key: the last one wins"),
        pytest.param(callback(task_id="x" * 200), id="200 characters"),
        pytest.param(callback(task_id="../../%00/☃"), id="any printable characters"),
    ],
)
async def test_what_has_a_valid_envelope_is_received(port: int, published: Published, body: bytes) -> None:
    assert (await exchange(port, post(body))).status == 200
    assert [value for _, _, value, _ in published.records] == [body]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(CALLBACK[:-1], id="cut off"),
        pytest.param(CALLBACK + b"}", id="more behind it"),
        pytest.param(b'{"task_id":"t","data":%s' % DEEP, id="deep in a field that stays raw"),
        pytest.param(DEEP, id="deep"),
        pytest.param(b'{"a":' * 50_000, id="deep objects"),
        pytest.param(b'{"task_id":"t","data":"\xff"}', id="no UTF-8 in a field that stays raw"),
        pytest.param(b'{"task_id":"\xc3"}', id="no UTF-8"),
        pytest.param(b'{"task_id":"t","n":NaN}', id="NaN"),
        pytest.param(b'{"task_id":"t","n":Infinity}', id="Infinity"),
        pytest.param(b"\xef\xbb\xbf" + CALLBACK, id="byte order mark"),
        pytest.param(CALLBACK.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"task_id":"\\ud800"}', id="lone surrogate"),
        pytest.param(b"task_id=t", id="a form"),
        pytest.param(b"\x00\x01\x02", id="binary"),
    ],
)
async def test_what_is_no_json_is_400(published: Published, body: bytes) -> None:
    async with running(published, max_body_bytes=2**20) as port:
        answer = await exchange(port, post(body))
    problem = answer.json()

    assert answer.status == problem["status"] == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["type"], problem["title"]) == ("about:blank", "Bad Request")
    assert problem["detail"]
    assert not published.records


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "body"),
        (b"null", "body"),
        (b"3", "body"),
        (b'"text"', "body"),
        (b"{}", "task_id"),
        (b'{"task_id":null}', "task_id"),
        (b'{"task_id":7}', "task_id"),
        (b'{"task_id":["t"]}', "task_id"),
        (b'{"task_id":"t","taskId":"u"}', "task_id"),
        (b'{"data":{"task_id":7}}', "data.task_id"),
        (callback(task_id=""), "task_id"),
        (callback(task_id="x" * 201), "task_id"),
        (callback(task_id="a\nb"), "task_id"),
        (callback(task_id="a\u0000"), "task_id"),
        (callback(code="200"), "code"),
        (callback(code=200.5), "code"),
        (callback(code=True), "code"),
        (callback(code=None), "code"),
    ],
)
async def test_json_that_is_no_callback_is_422_and_names_the_field(
    port: int, published: Published, body: bytes, field: str
) -> None:
    answer = await exchange(port, post(body))
    problem = answer.json()

    assert answer.status == problem["status"] == 422
    assert answer.reason == problem["title"] == "Unprocessable Content"
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["field"] == field
    assert problem["detail"]
    assert not published.records


async def test_what_kafka_does_not_acknowledge_is_503_with_a_time_to_try_again(
    port: int, published: Published
) -> None:
    published.error = Unavailable("Kafka did not acknowledge the callback in time.")
    answer = await exchange(port, post())

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json() == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "Kafka did not acknowledge the callback in time.",
    }


async def test_an_error_of_ours_is_500_told_in_the_log_only_and_the_next_callback_is_received(
    port: int, published: Published
) -> None:
    published.error = RuntimeError("inner secret")
    with capture_logs() as logs:
        answer = await exchange(port, post())

    assert (answer.status, answer.json()["title"]) == (500, "Internal Server Error")
    assert b"secret" not in answer.body
    (failure,) = [line for line in logs if line["event"] == "request failed"]
    assert failure["exc_info"]
    published.error = None
    assert (await exchange(port, post())).status == 200


async def test_a_refusal_is_logged_without_query_or_body(port: int) -> None:
    data = post(b'{"task_id":"t","code":"my secret"}').replace(b"callback ", b"callback?token=my+secret ", 1)
    with capture_logs() as logs:
        assert (await exchange(port, data)).status == 422

    (line,) = [line for line in logs if line["event"] == "answered"]
    assert line["log_level"] == "info"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/suno-midi-callback", 422)
    assert "secret" not in str(logs)


async def test_a_refused_callback_leaves_its_connection_usable(port: int) -> None:
    async with connection(port) as peer:
        for body, status in ((b"{", 400), (b"[]", 422), (CALLBACK, 200)):
            await peer.send(post(body))
            assert (await peer.answer()).status == status


async def test_named_query_parameters_become_correlation(published: Published) -> None:
    async with running(published, correlation_parameters="user,order") as port:
        data = post().replace(b"callback ", b"callback?order=1%202&x=3&user=%C3%BC&user=again ", 1)
        assert (await exchange(port, data)).status == 200
        assert (await exchange(port, post())).status == 200

    first, second = [from_wire(record.headers) for record in published.records]
    assert {n: v for n, v in first.items() if n.startswith("midi-correlation-")} == {
        "midi-correlation-user": "ü",
        "midi-correlation-order": "1 2",
    }
    assert not [name for name in second if name.startswith("midi-correlation-")]


async def test_a_long_correlation_is_cut(published: Published) -> None:
    async with running(published, correlation_parameters="user") as port:
        data = post().replace(b"callback ", b"callback?user=%s " % (b"x" * 5000), 1)
        assert (await exchange(port, data)).status == 200
    assert from_wire(published.records[0].headers)["midi-correlation-user"] == "x" * 512


async def test_no_parameter_goes_on_unless_it_is_named(port: int, published: Published) -> None:
    assert (await exchange(port, post().replace(b"callback ", b"callback?user=1 ", 1))).status == 200
    assert not [name for name, _ in published.records[0].headers if name.startswith("midi-correlation-")]


@pytest.mark.parametrize("sender", SENDERS)
async def test_the_dialect_is_told_by_the_shape(port: int, published: Published, sender: str) -> None:
    assert (await exchange(port, post(success(sender, task_id="t")))).status == 200
    (record,) = published.records
    assert (record.key, dict(record.headers)["midi-dialect"]) == (b"t", sender.encode())


async def test_a_setting_forces_the_dialect(published: Published) -> None:
    async with running(published, vendor="kie.ai") as port:
        assert (await exchange(port, post())).status == 200
    assert dict(published.records[0].headers)["midi-dialect"] == b"kie.ai"
