"""What is said of why Kafka refuses."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from broker import refusals
from broker.embedded.ports import free_port


@pytest.fixture(autouse=True)
def _nothing_known_from_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_failures", {})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            TopicAuthorizationFailedError("midi.tasks"),
            "this user may not do that with the topic midi.tasks: ",
        ),
        (TopicAuthorizationFailedError({"b", "a"}), "this user may not do that with the topic a, b: "),
        (
            GroupAuthorizationFailedError("midi.render"),
            "this user may not use the consumer group midi.render: ",
        ),
        (
            GroupAuthorizationFailedError("Unable to get coordinator id for midi.render"),
            "this user may not use the consumer group midi.render: ",
        ),
        (
            TransactionalIdAuthorizationFailed("midi.render-0"),
            "this user may not use the transactional id midi.render-0: ",
        ),
        (
            ClusterAuthorizationFailedError(),
            "this user may write no topic, or not do that in this cluster: ",
        ),
    ],
)
def test_a_right_that_is_missing_names_its_resource_and_who_gives_it(error: KafkaError, told: str) -> None:
    assert refusals.in_words(error) == refusals.denial(error) == told + refusals.WHO_NEEDS_WHAT


def test_other_errors_are_told_as_they_are() -> None:
    assert refusals.denial(KafkaError("no")) == ""
    assert refusals.in_words(KafkaError("no")) == "KafkaError: no"
    assert refusals.in_words(OSError("no")) == "no"
    assert refusals.in_words(TimeoutError()) == "it took too long"


async def test_whoever_is_not_there_refuses_nothing() -> None:
    port = free_port()
    assert await why_not(f"127.0.0.1:{port}") == f"127.0.0.1:{port} has nobody listening"
    assert refusals.refusal() == ""


async def test_a_certificate_that_has_expired_is_told_also_of_what_fails_later() -> None:
    ca = trustme.CA()
    async with tls_server(ca, not_after=datetime.now(UTC) - timedelta(days=1)) as port:
        told = f"127.0.0.1:{port} has a certificate that has expired"
        assert await why_not(f"127.0.0.1:{port}", trusting(ca)) == told
        assert refusals.refusal() == told
        assert refusals.in_words(NodeNotReadyError("no node")) == f"NodeNotReadyError: no node; {told}"
        assert refusals.in_words(TimeoutError()) == f"it took too long; {told}"


async def test_a_refusal_of_long_ago_explains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with tls_server(trustme.CA()) as port:
        await why_not(f"127.0.0.1:{port}", trusting(trustme.CA()))
    assert "vouches for" in refusals.refusal()
    now = time.monotonic() + refusals.FRESH_SECONDS
    monkeypatch.setattr(refusals, "monotonic", lambda: now)
    assert refusals.refusal() == ""


async def why_not(server: str, context: ssl.SSLContext | None = None) -> str:
    """What is raised where a client gets no connection, without the error's name."""
    protocol = "SSL" if context else "PLAINTEXT"
    client = AIOKafkaClient(bootstrap_servers=server, security_protocol=protocol, ssl_context=context)
    refusals.note_refusals()
    with pytest.raises(KafkaConnectionError) as refused:
        await client.bootstrap()
    await client.close()
    return str(refused.value).removeprefix("KafkaConnectionError: ")


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


@asynccontextmanager
async def tls_server(ca: trustme.CA, not_after: datetime | None = None) -> AsyncIterator[int]:
    """A server that shakes hands by TLS on 127.0.0.1; its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", not_after=not_after).configure_cert(context)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
