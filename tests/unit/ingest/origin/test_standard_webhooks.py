"""`standard-webhooks`: id, time and body, signed."""

from __future__ import annotations

import pytest

from ingest.origin.keyring import OriginError
from ingest.origin.standard_webhooks import SIGNATURES_MAX
from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import BODY, KEY, guard, head, passes, standard_webhooks

PUBLISHED = [
    (
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        b'{"test": 2432232314}',
    ),
    (
        "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        {
            "webhook-id": "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "webhook-timestamp": "1649367553",
            "webhook-signature": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        },
        b'{"email":"test@example.com","username":"test_user"}',
    ),
]
"""Vectors in the tests of the specification's own libraries, for Python and Rust."""

WRONG = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


@pytest.mark.parametrize("prefix", ["", "whsec_"])
@pytest.mark.parametrize(("key", "headers", "body"), PUBLISHED)
def test_the_published_vectors_are_verified(
    key: str, headers: dict[str, str], body: bytes, prefix: str
) -> None:
    published = guard("standard-webhooks", standard_webhooks_keys=prefix + key)
    pending = published.head(head(headers, now=int(headers["webhook-timestamp"])))
    assert not pending.verified
    assert pending.body(body).verified


@pytest.mark.parametrize(("key", "headers", "body"), PUBLISHED)
def test_no_byte_of_a_published_vector_may_change(key: str, headers: dict[str, str], body: bytes) -> None:
    published = guard("standard-webhooks", standard_webhooks_keys=key)
    now = int(headers["webhook-timestamp"])
    changed = [
        (headers, body + b" "),
        (headers | {"webhook-id": "msg_other"}, body),
        (headers | {"webhook-timestamp": str(now + 1)}, body),
        (
            headers
            | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1,B", 1)[:-2] + "="},
            body,
        ),
    ]
    for these, those in changed:
        with pytest.raises(NotVerified):
            passes(published, head(these, now=now), those)


def test_a_key_without_padding_is_read() -> None:
    unpadded = guard("standard-webhooks", standard_webhooks_keys="c3dvcmRmaXNoIGtleSBmb3IgdGVzdHM")
    assert passes(unpadded, head(standard_webhooks())).verified


def test_one_fitting_signature_among_others_is_enough() -> None:
    signed = standard_webhooks()
    signed["webhook-signature"] = f"{WRONG} v1a,x v2,x nonsense  v1,! {signed['webhook-signature']} {WRONG}"
    assert passes(guard("standard-webhooks"), head(signed)).verified


@pytest.mark.parametrize("others", range(SIGNATURES_MAX - 2, SIGNATURES_MAX + 2))
def test_so_many_signatures_are_tried_and_no_more(others: int) -> None:
    signed = standard_webhooks()
    signed["webhook-signature"] = " ".join([*[WRONG] * others, signed["webhook-signature"]])
    if others < SIGNATURES_MAX:
        assert passes(guard("standard-webhooks"), head(signed)).verified
    else:
        with pytest.raises(NotVerified, match=f"{SIGNATURES_MAX} at most"):
            passes(guard("standard-webhooks"), head(signed))


@pytest.mark.parametrize("message_id", ["", "msg.1", "msg_é", "msg_\udcff"])
def test_an_id_that_is_empty_or_ambiguous_is_not_verified(message_id: str) -> None:
    headers = standard_webhooks() | {"webhook-id": message_id}
    with pytest.raises(NotVerified, match="webhook-id"):
        guard("standard-webhooks").head(head(headers))


def test_the_parts_that_were_signed_cannot_be_parted_otherwise() -> None:
    signed = standard_webhooks(b"1700000000." + BODY, message_id="msg_1.1700000000", timestamp="1700000000")
    assert (
        signed["webhook-signature"]
        == standard_webhooks(b"1700000000.1700000000." + BODY)["webhook-signature"]
    )
    with pytest.raises(NotVerified):
        passes(guard("standard-webhooks"), head(signed), b"1700000000." + BODY)


@pytest.mark.parametrize(
    "key", ["whsec_", "whsec_swordfish!", "c3dvcmRmaXNo", "whpk_c3dvcmRmaXNoIGtleSBmb3IgdGVzdHM="]
)
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(
        OriginError, match=r"^MIDI_INGEST_STANDARD_WEBHOOKS_KEYS: .*whsec_.*base64"
    ) as refused:
        guard("standard-webhooks", standard_webhooks_keys=key)
    assert "c3dvcmRmaXNo" not in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_a_key_is_no_longer_active_once_it_is_gone() -> None:
    with pytest.raises(NotVerified, match="active key"):
        passes(guard("standard-webhooks"), head(standard_webhooks(key=KEY + "!")))
