"""The benchmark's senders are believed: what they prove is what the ingress asks for."""

from __future__ import annotations

import time

import pytest
from multidict import CIMultiDict

from bench.ingress import origins
from bench.load import Head
from ingest.origin import verifier
from ingest.origin.guard import Guard
from ingest.origin.verifier import NotVerified
from midi_ingest.settings import load

BODY = b'{"task_id":"1"}'


@pytest.mark.parametrize(
    ("env", "make_head"),
    [(origins.URL_TOKEN, origins.url_token), (origins.STANDARD_WEBHOOKS, origins.standard_webhooks)],
)
def test_what_a_sender_posts_is_verified(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], make_head: Head
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    guard = Guard(load())
    assert guard.head(_read(make_head(BODY))).body(BODY).verified


def test_a_signature_is_of_one_body_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in origins.STANDARD_WEBHOOKS.items():
        monkeypatch.setenv(name, value)
    pending = Guard(load()).head(_read(origins.standard_webhooks(BODY)))
    with pytest.raises(NotVerified):
        pending.body(BODY + b" ")


def _read(head: bytes) -> verifier.Head:
    request_line, *fields = head.decode().rstrip().split("\r\n")
    path = request_line.split(" ")[1]
    pairs = (field.partition(": ") for field in fields)
    return verifier.Head(
        path.rpartition("/")[2], CIMultiDict((name, value) for name, _, value in pairs), time.time()
    )
