"""From which address a request comes, also through proxies, and whether it may."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from ingest.given import quoted

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED_FOR_CHARACTERS_MAX: Final = 1024
_REMEMBERED: Final = 1024
_MAPPED_BITS: Final = 96  # ::ffff:0:0/96, RFC 4291, section 2.5.5.2


def networks(value: object) -> object:
    """Addresses and CIDR ranges, separated by commas; anything but text is left to its type.

    Raises:
        ValueError: one is none, or has bits set after its prefix.
    """
    if not isinstance(value, str):
        return value
    return tuple(_given_network(part.strip()) for part in value.split(",") if part.strip())


def no_everybody(value: tuple[Network, ...]) -> tuple[Network, ...]:
    """The networks, where none of them is all addresses.

    Raises:
        ValueError: one is.
    """
    if any(network.prefixlen == 0 for network in value):
        raise ValueError("a range of all addresses would let anybody claim any address")
    return value


def client_address(
    peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """The address that a request comes from, or None where that cannot be told.

    It is the peer's, unless that is a trusted proxy: then it is the last address in ``forwarded_for``, the
    values of X-Forwarded-For, that is no trusted proxy; what stands before that anybody may have written.
    Where all are trusted proxies, it is the first of them.
    """
    address = _address(peer or "")
    chain = ",".join(forwarded_for)
    if not chain or not _within(address, trusted):
        return address
    if len(chain) > FORWARDED_FOR_CHARACTERS_MAX:
        return None
    for hop in reversed(chain.split(",")):
        address = _address(hop.strip(" \t"))
        if not _within(address, trusted):
            break
    return address


class AllowedAddresses:
    """Tells whether a request comes from an allowed address; without a list, all are."""

    def __init__(self, allowed: Sequence[Network], trusted: Sequence[Network]) -> None:
        self._restricted = bool(allowed)

        @lru_cache(maxsize=_REMEMBERED)
        def allow(peer: str | None, forwarded_for: str) -> bool:
            return _within(client_address(peer, [forwarded_for], trusted), allowed)

        self._allow = allow

    def allow(self, peer: str | None, forwarded_for: Sequence[str]) -> bool:
        """Whether a request may come from ``peer``, with these values of X-Forwarded-For.

        ``peer`` is None where there is no address, as on a Unix socket: that is allowed by no list.
        """
        if not self._restricted:
            return True
        # What is too long counts as unknown, however it goes on: not to be remembered whole.
        return self._allow(peer, ",".join(forwarded_for)[: FORWARDED_FOR_CHARACTERS_MAX + 1])


def is_loopback(host: str) -> bool:
    """Whether what binds to ``host`` can be reached from this machine only."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _given_network(text: str) -> Network:
    try:
        return _network(text)
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is none{_hint(text)}; expected addresses or CIDR ranges such as "
            "203.0.113.7,198.51.100.0/24,2001:db8::/32, with no bits set after a prefix"
        ) from None


def _hint(text: str) -> str:
    """The range that may be meant, where bits are set after the prefix."""
    try:
        return f" (did you mean {ip_network(text, strict=False)}?)"
    except ValueError:
        return ""


def _network(text: str) -> Network:
    network = ip_network(text)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return ip_network((mapped, network.prefixlen - _MAPPED_BITS))


def _within(address: Address | None, within: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in within)
