"""Where a request comes from, and whether it may."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.origin.addresses import FORWARDED_FOR_CHARACTERS_MAX, AllowedAddresses, client_address

TRUSTED = tuple(map(ip_network, ["10.0.0.0/8", "fd00::/8"]))
PROXY = "10.1.2.3"


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.7"], "192.0.2.1"),  # who is not trusted is not believed
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::1%eth0"),
        (PROXY, [], PROXY),
        (PROXY, ["203.0.113.7"], "203.0.113.7"),
        (f"::ffff:{PROXY}", ["::ffff:203.0.113.7"], "203.0.113.7"),
        (PROXY, ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),  # the first was in it when it reached us
        (PROXY, ["198.51.100.1", "203.0.113.7,\t10.9.9.9 ", "fd00::1"], "203.0.113.7"),
        (PROXY, ["nonsense, 203.0.113.7"], "203.0.113.7"),
        (PROXY, ["10.9.9.9, fd00::1"], "10.9.9.9"),
        ("fd00::5", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    peer: str, forwarded_for: list[str], client: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == ip_address(client)


@pytest.mark.parametrize(
    ("peer", "forwarded_for"),
    [
        (None, []),
        ("", []),
        ("", ["203.0.113.7"]),
        (None, ["203.0.113.7"]),
        ("/run/ingress.sock", []),
        (PROXY, ["203.0.113.7, nonsense"]),
        (PROXY, ["203.0.113.7, unknown, 10.9.9.9"]),
        (PROXY, ["203.0.113.7,"]),
        (PROXY, ["203.0.113.7", ""]),
        (PROXY, ["203.0.113.7:4711"]),
        (PROXY, ["[2001:db8::1]"]),
        (PROXY, ["２03.0.113.7"]),
        (PROXY, ["\ud800"]),
        (PROXY, ["203.0.113.7" + " " * FORWARDED_FOR_CHARACTERS_MAX]),
        (PROXY, ["fd00::1," * 1_000_000]),
    ],
)
def test_what_cannot_be_told_is_no_address_and_allowed_by_no_list(
    peer: str | None, forwarded_for: list[str]
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) is None
    everybody = tuple(map(ip_network, ["0.0.0.0/0", "::/0"]))
    assert not AllowedAddresses(everybody, TRUSTED).allow(peer, forwarded_for)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "allowed"),
    [
        ("203.0.113.7", [], True),
        ("::ffff:203.0.113.7", [], True),
        ("203.0.114.7", [], False),
        ("203.0.114.7", ["203.0.113.7"], False),
        ("2001:db8:1::5", [], True),
        (PROXY, [], False),
        (PROXY, ["203.0.113.7"], True),
        (PROXY, ["203.0.113.7, 203.0.114.7"], False),
    ],
)
def test_only_addresses_in_the_list_are_allowed(peer: str, forwarded_for: list[str], allowed: bool) -> None:
    addresses = AllowedAddresses(tuple(map(ip_network, ["203.0.113.0/24", "2001:db8::/32"])), TRUSTED)
    assert addresses.allow(peer, forwarded_for) == allowed
    assert addresses.allow(peer, tuple(forwarded_for)) == allowed  # now from memory


@pytest.mark.parametrize("peer", [None, "", "nonsense", "203.0.113.7"])
def test_without_a_list_all_are_allowed(peer: str | None) -> None:
    assert AllowedAddresses((), TRUSTED).allow(peer, ["nonsense"])


@given(peer=st.none() | st.text(max_size=40), written=st.text("0123456789abcdef.:,[]% x\udcff", max_size=200))
def test_nothing_that_is_written_in_front_lets_a_stranger_in(peer: str | None, written: str) -> None:
    addresses = AllowedAddresses([ip_network("203.0.113.0/24")], TRUSTED)
    assert not addresses.allow(PROXY, [f"{written}, 192.0.2.1"])
    assert not addresses.allow("192.0.2.1", [written])
    assert addresses.allow(peer, [written]) is addresses.allow(peer, [written])
