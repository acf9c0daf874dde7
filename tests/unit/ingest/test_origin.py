"""Who may send, seen from outside: what each verifier lets in, and that no secret is ever told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.ingest.wire import CALLBACK, PATH, Published, connection, exchange, post, request, running

TOKEN = "sesame-0123456789abcdef"  # noqa: S105 - a test's
SECOND = "second-0123456789abcdef"
KEY = b"a key that nobody may ever see"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()
TASK_ID = "5c79****be8e"


def sign(*parts: str | bytes) -> bytes:
    message = b".".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hmac.digest(KEY, message, hashlib.sha256)


def to(token: str, data: bytes) -> bytes:
    """A request to the callbacks' path with a token."""
    return data.replace(PATH.encode(), f"{PATH}/{token}".encode(), 1)


def standard(body: bytes = CALLBACK, at: float = 0) -> bytes:
    now = str(int(time.time() + at))
    signature = "v1," + base64.b64encode(sign("msg_1", now, body)).decode()
    return post(body, webhook_id="msg_1", webhook_timestamp=now, webhook_signature=signature)


TELLTALE = "swordfish"
TELLTALES = [
    body.replace(b"%", TELLTALE.encode())
    for body in (b"%", b'"%"', b'["%"]', b'{"%', b'{"%":1,}', b'{"%":1}', b'{"task_id":"%\\q"}', b'{"task_id":["%"]}',
                 b'{"task_id":"%\\n"}', b'{"task_id":"%","taskId":"a"}', b'{"task_id":"a","code":"%"}', b"\xff%")
]  # fmt: skip
"""Bodies that are no callbacks, each for another reason, with a word in them that nobody may ever see."""

TOKENS = {"origin": "url-token", "url_tokens": f"{TOKEN},{SECOND}"}
STANDARD = {"origin": "standard-webhooks", "standard_webhooks_keys": WHSEC}


@pytest.fixture
async def with_token(published: Published) -> AsyncIterator[int]:
    async with running(published, **TOKENS) as port:
        yield port


@pytest.mark.parametrize("token", [TOKEN, SECOND])
async def test_every_valid_token_lets_in(with_token: int, published: Published, token: str) -> None:
    assert (await exchange(with_token, to(token, post()))).status == 200
    assert published.records[0].value == CALLBACK


@pytest.mark.parametrize(
    "token", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%73esame-0123456789abcdef", "%C3%BC"]
)
async def test_any_other_token_is_401(with_token: int, published: Published, token: str) -> None:
    answer = await exchange(with_token, to(token, post()))

    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"]
    assert not published.records


async def test_without_a_token_it_is_401_and_with_more_behind_it_404(with_token: int) -> None:
    assert (await exchange(with_token, post())).status == 401
    assert (await exchange(with_token, to(f"{TOKEN}/x", post()))).status == 404


@pytest.mark.parametrize("path", ["/", "/callbacks/", "/a/b"])
async def test_any_path_can_have_a_token_behind_it(published: Published, path: str) -> None:
    async with running(published, path=path, **TOKENS) as port:
        target = f"{path.rstrip('/')}/{TOKEN}"
        assert (await exchange(port, post().replace(PATH.encode(), target.encode(), 1))).status == 200


async def test_a_wrong_token_is_refused_before_the_body_has_come(with_token: int) -> None:
    async with connection(with_token) as peer:
        await peer.send(to("wrong-0123456789abcdef", post())[: -len(CALLBACK)])
        assert (await peer.answer()).status == 401


async def test_a_sender_that_asks_first_is_refused_without_being_told_to_go_on(with_token: int) -> None:
    async with connection(with_token) as peer:
        await peer.send(post(Expect="100-continue")[: -len(CALLBACK)])
        assert (await peer.answer()).status == 401


async def test_get_of_a_token_path_is_405_and_health_needs_no_token(with_token: int) -> None:
    assert (await exchange(with_token, request("GET", f"{PATH}/{TOKEN}"))).status == 405
    assert (await exchange(with_token, request("GET", "/healthz"))).status == 200


async def test_a_standard_webhook_is_let_in(published: Published) -> None:
    async with running(published, **STANDARD) as port:
        assert (await exchange(port, standard())).status == 200
        assert (await exchange(port, standard().replace(b'"code":200', b'"code":201'))).status == 401
        assert (await exchange(port, standard(at=-301))).status == 401
        assert (await exchange(port, post())).status == 401
    assert len(published.records) == 1


async def test_what_is_signed_wrongly_is_401_whatever_it_is(published: Published) -> None:
    async with running(published, **STANDARD) as port:
        assert (await exchange(port, standard(b"[]").replace(b"[]", b"{}"))).status == 401
        assert (await exchange(port, standard(b"[]"))).json()["status"] == "quarantined"


async def test_a_timestamped_hmac_is_let_in(published: Published) -> None:
    key = KEY.decode().replace(" ", "_")
    async with running(published, origin="timestamped-hmac", timestamped_hmac_keys=key) as port:
        now = str(int(time.time()))
        signature = "sha256=" + hmac.digest(key.encode(), f"{now}.".encode() + CALLBACK, hashlib.sha256).hex()
        signed = post(X_Webhook_Timestamp=now, X_Webhook_Signature=signature)
        assert (await exchange(port, signed)).status == 200
        assert (await exchange(port, signed.replace(b"sha256=", b"sha512="))).status == 401


async def test_kie_is_verified_by_the_task_id_in_the_body(published: Published) -> None:
    key = "kie-key-0123456789"
    async with running(published, origin="kie", kie_keys=key) as port:
        now = str(int(time.time()))
        digest = hmac.digest(key.encode(), f"{TASK_ID}.{now}".encode(), hashlib.sha256)
        signature = base64.b64encode(digest).decode()
        headers = {"X_Webhook_Timestamp": now, "X_Webhook_Signature": signature}
        assert (await exchange(port, post(**headers))).status == 200
        assert (await exchange(port, post(b'{"task_id":"another"}', **headers))).status == 401
        assert (await exchange(port, post(b"[]", **headers))).status == 401
    assert len(published.records) == 1


async def test_one_of_several_alternatives_is_enough(published: Published) -> None:
    both = TOKENS | STANDARD | {"origin": "url-token,standard-webhooks"}
    async with running(published, **both) as port:
        assert (await exchange(port, to(TOKEN, post()))).status == 200
        assert (await exchange(port, standard())).status == 200
        assert (await exchange(port, post())).status == 401


async def test_what_is_joined_must_all_hold(published: Published) -> None:
    both = TOKENS | STANDARD | {"origin": "url-token+standard-webhooks"}
    async with running(published, **both) as port:
        assert (await exchange(port, to(TOKEN, post()))).status == 401
        assert (await exchange(port, standard())).status == 401
        assert (await exchange(port, to(TOKEN, standard()))).status == 200


async def test_another_address_is_403(published: Published) -> None:
    async with running(published, allowed_addresses="192.0.2.0/24") as port:
        assert (await exchange(port, post())).status == 403
    proxied = {"allowed_addresses": "192.0.2.0/24", "trusted_proxies": "127.0.0.1"}
    async with running(published, **proxied) as port:
        assert (await exchange(port, post(X_Forwarded_For="192.0.2.7"))).status == 200
        assert (await exchange(port, post(X_Forwarded_For="192.0.2.7, 203.0.113.1"))).status == 403
        assert (await exchange(port, request("GET", "/healthz"))).status == 200
    assert len(published.records) == 1


async def test_no_secret_is_in_any_log_answer_or_metric(
    published: Published, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Everything that the ingress tells while it is used and abused, searched for all secrets."""
    caplog.set_level(logging.DEBUG)
    key_file = tmp_path / "keys"
    key_file.write_text(WHSEC)
    settings = TOKENS | {
        "origin": "url-token,standard-webhooks",
        "standard_webhooks_keys_file": key_file,
    }
    told = b""
    with capture_logs() as logs:
        async with running(published, **settings) as port:
            for data in (
                to(TOKEN, post()),
                to(TOKEN, post(b"{")),
                to(f"{TOKEN}/x", post()),
                to(TOKEN, post()).replace(PATH.encode(), b"/suno", 1),
                to(TOKEN, request("GET")),
                to(f"{TOKEN}?x={SECOND}", post(Content_Type="text/plain")),
                to(TOKEN, post()).replace(b"HTTP/1.1", b"HTTP/9.9", 1),
                to(TOKEN, post(Content_Length="x")),
                *(to(TOKEN, post(body)) for body in TELLTALES),
                *(standard(body).replace(b"msg_1", b"msg_2") for body in TELLTALES),
                *(post(body, webhook_id=WHSEC, webhook_timestamp=SECOND) for body in TELLTALES),
                to(TOKEN, post(Content_Type=SECOND)),
                to(TOKEN, post(Content_Encoding=SECOND)),
                to(TOKEN, post(X_Forwarded_For=SECOND)),
                standard(),
                standard(at=-1000),
                post(Authorization=f"Bearer {WHSEC}"),
                request("GET", "/readyz"),
                request("GET", "/metrics"),
            ):
                told += (await exchange(port, data)).body
            published.error = RuntimeError("ours")
            told += (await exchange(port, to(TOKEN, post()))).body
    everything = told.decode() + str(logs) + caplog.text
    assert "answered" in everything
    for secret in (TOKEN, SECOND, WHSEC, KEY.decode(), WHSEC.removeprefix("whsec_"), TELLTALE):
        assert secret not in everything


async def test_a_refused_bodys_detail_quotes_nothing_of_it(published: Published) -> None:
    with capture_logs() as logs:
        async with running(published) as port:
            for body in TELLTALES:
                answer = await exchange(port, post(body))
                assert answer.status in {400, 422}
                assert TELLTALE not in answer.body.decode()
    lines = [line for line in logs if line["event"] == "answered"]
    assert len(lines) == len(TELLTALES)
    assert all(line["detail"] for line in lines)
    assert TELLTALE not in str(logs)


@pytest.mark.parametrize(
    ("status", "data", "told"),
    [
        (401, post(), {"detail": "Expected a valid token as the last segment of the path."}),
        (
            415,
            to(TOKEN, post(Content_Type="text/plain")),
            {"detail": "Expected the Content-Type application/json."},
        ),
        (413, to(TOKEN, post(b" " * 4097)), {"detail": "Expected a body of at most 4096 bytes."}),
        (404, to(f"{TOKEN}/x", post()), {"detail": "There is nothing at this path."}),
    ],
)
async def test_the_log_says_why_a_callback_was_refused(
    with_token: int, status: int, data: bytes, told: dict[str, str]
) -> None:
    with capture_logs() as logs:
        assert (await exchange(with_token, data)).status == status
    (line,) = [line for line in logs if line["event"] == "answered"]
    assert told.items() <= line.items()


async def test_the_log_names_the_field_that_is_wrong(published: Published) -> None:
    with capture_logs() as logs:
        async with running(published) as port:
            assert (await exchange(port, post(b'{"data":{"taskId":7}}'))).status == 422
    (line,) = [line for line in logs if line["event"] == "answered"]
    assert (line["field"], line["detail"]) == (
        "data.taskId",
        "Expected a string at `data.taskId`, not a number.",
    )
