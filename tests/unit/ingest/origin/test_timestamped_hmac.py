"""`timestamped-hmac`: time and body, signed."""

from __future__ import annotations

import pytest

from ingest.origin.verifier import NotVerified
from tests.unit.ingest.origin.senders import BODY, NOW, guard, head, passes, timestamped_hmac

OPENSSL = "1d8ce11ebec8dd242337de4abf77409bd8b4862f6c94e2ce09925043941474df"
"""printf '1700000000.{"task_id":"5c79****be8e","code":200}' | openssl dgst -sha256 -hmac whsec_swordfish-0123 -hex."""


@pytest.mark.parametrize("digits", [OPENSSL, OPENSSL.upper()])
def test_what_openssl_signs_is_verified_in_either_case(digits: str) -> None:
    headers = {"x-webhook-timestamp": str(NOW), "x-webhook-signature": f"sha256={digits}"}
    pending = guard("timestamped-hmac", timestamped_hmac_keys="whsec_swordfish-0123").head(head(headers))
    assert not pending.verified
    assert pending.body(BODY).verified


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY[:-1], BODY.replace(b"200", b"500")])
def test_another_body_is_not_verified(body: bytes) -> None:
    with pytest.raises(NotVerified, match="signature of this body"):
        guard("timestamped-hmac").head(head(timestamped_hmac())).body(body)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        OPENSSL,
        "sha256=",
        f"sha256={OPENSSL[:-1]}",
        f"sha256={OPENSSL}00",
        f"SHA256={OPENSSL}",
        f"sha256= {OPENSSL}",
        "sha256=" + "é" * 64,
    ],
)
def test_a_signature_that_is_not_in_hex_is_refused_at_once(signature: str) -> None:
    with pytest.raises(NotVerified, match=r"^Expected X-Webhook-Signature to be `sha256=` and .* in hex\.$"):
        guard("timestamped-hmac").head(head(timestamped_hmac() | {"X-Webhook-Signature": signature}))


def test_the_names_of_the_headers_are_settings() -> None:
    signed = timestamped_hmac()
    renamed = {"X-Time": signed["X-Webhook-Timestamp"], "X-Sign": signed["X-Webhook-Signature"]}
    names = {"timestamped_hmac_timestamp_header": "x-time", "timestamped_hmac_signature_header": "x-sign"}
    named = guard("timestamped-hmac", **names)
    assert passes(named, head(renamed)).verified
    with pytest.raises(NotVerified, match="x-time"):
        named.head(head(signed))


@pytest.mark.parametrize("key", ["the-new-key-0123", "la-clé-nouvelle"])
def test_each_active_key_verifies(key: str) -> None:
    several = guard("timestamped-hmac", timestamped_hmac_keys="the-new-key-0123,la-clé-nouvelle")
    assert passes(several, head(timestamped_hmac(key=key))).verified


def test_a_key_from_an_environment_that_is_not_in_utf8_is_taken_as_the_bytes_it_is() -> None:
    latin = guard("timestamped-hmac", timestamped_hmac_keys="latin-key-0123-cl\udce9")
    signed = timestamped_hmac() | {
        "X-Webhook-Signature": "sha256=50f0c5534590900dc63c4ecc839510380ebd7e9f8c7c0f3b8dc7015ca1ca641e"
    }
    assert passes(latin, head(signed)).verified
