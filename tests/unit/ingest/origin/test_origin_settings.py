"""The settings of the origin."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from ingest.origin.registry import VERIFIERS
from ingest.origin.settings import OriginSettings


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("", None),
        ("none", ()),
        ("url-token", (("url-token",),)),
        (" kie + url-token , standard-webhooks", (("kie", "url-token"), ("standard-webhooks",))),
    ],
)
def test_an_origin_is_alternatives_of_what_must_hold_together(text: str, origin: object) -> None:
    assert OriginSettings.model_validate({"origin": text}).origin == origin


@pytest.mark.parametrize(
    "text", ["basic", "KIE", "kie,", "+kie", "kie+", ",", "none,kie", "none+kie", "kie kie", "kie;url-token"]
)
def test_an_unknown_name_is_told_those_that_exist(text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(", ".join(VERIFIERS))):
        OriginSettings.model_validate({"origin": text})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("urltoken", "'urltoken' is no verifier. Did you mean url-token? Expected "),
        ("KIE", "'KIE' is no verifier. Did you mean kie? Expected "),
        (
            "kie,standardwebhooks",
            "'standardwebhooks' is no verifier. Did you mean standard-webhooks? Expected ",
        ),
        ("basic", "'basic' is no verifier. Expected "),
        ("x" * 1000, f"'{'x' * 40}…' is no verifier. Expected "),
        ("none,url-token", "none stands alone: beside it, all others would verify nothing. Expected "),
        ("url-token+none", "none stands alone: beside it, all others would verify nothing. Expected "),
        ("kie,", "A name is missing before or after a comma or +. Expected "),
    ],
)
def test_the_name_that_is_wrong_is_quoted_with_what_may_be_meant(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        OriginSettings.model_validate({"origin": text})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.0/33", "'10.0.0.0/33' is none; expected "),
        ("203.0.113.7,10.0.0.1/8", "'10.0.0.1/8' is none (did you mean 10.0.0.0/8?); expected "),
        ("sender.example", "'sender.example' is none; expected "),
    ],
)
def test_the_address_that_is_wrong_is_quoted_with_what_may_be_meant(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        OriginSettings.model_validate({"allowed_addresses": text})


@pytest.mark.parametrize("field", ["allowed_addresses", "trusted_proxies"])
def test_addresses_are_networks_whichever_way_they_are_written(field: str) -> None:
    text = "203.0.113.7, 198.51.100.0/24,2001:db8::/32,::ffff:10.0.0.0/104,"
    networks = ["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32", "10.0.0.0/8"]
    settings = OriginSettings.model_validate({field: text})
    assert getattr(settings, field) == tuple(map(ip_network, networks))
    assert getattr(OriginSettings.model_validate({field: " "}), field) == ()


@pytest.mark.parametrize(
    "text", ["x", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.0 10.0.0.1", "sender.example"]
)
def test_what_is_no_address_is_told_how_they_are_written(text: str) -> None:
    with pytest.raises(ValidationError, match=r"expected addresses or CIDR ranges such as .*203\.0\.113\.7"):
        OriginSettings.model_validate({"allowed_addresses": text})


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0", "10.0.0.0/8,::ffff:0.0.0.0/96"])
def test_everybody_is_no_trusted_proxy(everybody: str) -> None:
    with pytest.raises(ValidationError, match="anybody"):
        OriginSettings.model_validate({"trusted_proxies": everybody})


@pytest.mark.parametrize("name", ["", "x y", "x:", "é", "x\n", "x" + chr(0)])
def test_a_header_cannot_have_any_name(name: str) -> None:
    with pytest.raises(ValidationError):
        OriginSettings.model_validate({"timestamped_hmac_signature_header": name})
