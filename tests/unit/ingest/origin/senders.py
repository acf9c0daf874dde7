"""Requests as the senders of each kind sign them, made without the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict

from ingest.origin.guard import Guard, Pending
from ingest.origin.settings import OriginSettings
from ingest.origin.verifier import Head

NOW = 1_700_000_000
TASK_ID = "5c79****be8e"
BODY = b'{"task_id":"5c79****be8e","code":200}'

TOKEN = "swordfish-0123456789_.~"  # noqa: S105 - it opens these tests only
KEY = "swordfish key for tests"
SECRETS = {
    "url-token": {"url_tokens": TOKEN},
    "standard-webhooks": {"standard_webhooks_keys": f"whsec_{base64.b64encode(KEY.encode()).decode()}"},
    "kie": {"kie_keys": KEY.replace(" ", "-")},
    "timestamped-hmac": {"timestamped_hmac_keys": KEY.replace(" ", "-")},
}
"""Settings that give each verifier a secret; all have the word swordfish in them, as it is or in base64."""


def guard(origin: str, **settings: Any) -> Guard:
    """A guard whose verifiers have the secrets above, unless ``settings`` gives others."""
    names = [name for name in SECRETS if name in origin.replace("+", ",").split(",")]
    secrets: dict[str, Any] = {}
    for name in names:
        secrets |= SECRETS[name]
    return Guard(OriginSettings(**{"origin": origin, **secrets, **settings}))


def head(*headers: dict[str, str], token: str | None = None, now: float = NOW) -> Head:
    """A head with all of these headers; what stands in two of them is there twice."""
    fields = CIMultiDict({"Host": "ingress.test"})
    for some in headers:
        fields.extend(some)
    return Head(token, fields, now)


def passes(verifying: Guard, head: Head, body: bytes = BODY, task_id: str = TASK_ID) -> Pending:
    """What a request comes to that goes through all three steps."""
    return verifying.head(head).body(body).task_id(task_id)


def standard_webhooks(
    body: bytes = BODY, *, message_id: str = "msg_1", timestamp: object = NOW, key: str = KEY
) -> dict[str, str]:
    signature = _mac(key, f"{message_id}.{timestamp}.".encode() + body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def kie(
    task_id: str = TASK_ID, *, timestamp: object = NOW, key: str = SECRETS["kie"]["kie_keys"]
) -> dict[str, str]:
    signature = _mac(key, f"{task_id}.{timestamp}".encode())
    return {
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": base64.b64encode(signature).decode(),
    }


def timestamped_hmac(
    body: bytes = BODY, *, timestamp: object = NOW, key: str = SECRETS["kie"]["kie_keys"]
) -> dict[str, str]:
    signature = _mac(key, f"{timestamp}.".encode() + body)
    return {"X-Webhook-Timestamp": str(timestamp), "X-Webhook-Signature": f"sha256={signature.hex()}"}


SIGNED: dict[str, Callable[..., dict[str, str]]] = {
    "standard-webhooks": standard_webhooks,
    "kie": kie,
    "timestamped-hmac": timestamped_hmac,
}
"""The headers of a valid request, by verifier."""


def _mac(key: str, message: bytes) -> bytes:
    return hmac.new(key.encode(), message, hashlib.sha256).digest()
