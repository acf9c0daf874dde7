"""`kie`: task id and time, signed."""

from __future__ import annotations

import pytest

from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import NOW, TASK_ID, guard, head, kie, passes

OPENSSL = "L0tNn7xOO+OkP8Q/jPqe81Q1tYW8KRpd9DCQYko9/yU="
"""printf 5c79****be8e.1700000000 | openssl dgst -sha256 -hmac swordfish-kie-0123 -binary | base64."""


def test_what_openssl_signs_is_verified_once_the_task_id_is_known() -> None:
    headers = {"x-webhook-timestamp": str(NOW), "x-webhook-signature": OPENSSL}
    pending = guard("kie", kie_keys="swordfish-kie-0123").head(head(headers)).body(b"no matter what")
    assert not pending.verified
    assert pending.task_id(TASK_ID).verified


@pytest.mark.parametrize("task_id", ["", "5c79****be8f", f"{TASK_ID}.{NOW}", "\ud800"])
def test_another_task_id_is_not_verified(task_id: str) -> None:
    with pytest.raises(NotVerified, match="signature of this task id"):
        passes(guard("kie"), head(kie()), task_id=task_id)


def test_a_task_id_in_any_script_is_verified() -> None:
    assert passes(guard("kie"), head(kie("tâche.五")), task_id="tâche.五").verified


@pytest.mark.parametrize("key", ["the-new-key-0123", "the-old-key-0123"])
def test_each_active_key_verifies(key: str) -> None:
    assert passes(guard("kie", kie_keys="the-new-key-0123 the-old-key-0123"), head(kie(key=key))).verified


@pytest.mark.parametrize(
    "signature", ["", "!", "sha256=00", OPENSSL[:-1], OPENSSL[4:], OPENSSL + OPENSSL, f" {OPENSSL}"]
)
def test_a_signature_that_is_not_in_base64_is_refused_at_once(signature: str) -> None:
    with pytest.raises(NotVerified, match=r"^Expected X-Webhook-Signature to be an HMAC-SHA256 in base64\.$"):
        guard("kie").head(head(kie() | {"X-Webhook-Signature": signature}))
