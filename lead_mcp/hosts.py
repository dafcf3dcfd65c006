"""Which hosts are this machine, and which addresses are public: judged by what an address leads to, however it is written."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

LAST_BITS: Final = (
    IPv6Network("::/96"),  # IPv4-compatible (RFC 4291, deprecated)
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated (RFC 2765)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
)
"""Networks whose addresses hold an IPv4 address in their last 32 bits, to which a translator hands on."""
NOT_PUBLIC: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments (RFC 6890)
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of one's own network (RFC 8215)
    IPv6Network("fec0::/10"),  # site-local (RFC 3879, deprecated)
)
"""What older Pythons call global."""
ISATAP: Final = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
"""Before the last 32 bits of a tunnel's address (RFC 5214)."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def in_url(host: str) -> str:
    """A host as a URL has it."""
    return f"[{host}]" if ":" in host else host


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, and any IPv4 address inside it too. Raises ValueError for none."""
    address = ip_address(text.partition("%")[0])  # the scope of a link-local address
    return all(_is_public(one) for one in (address, *_inside(address)))


def _is_public(address: Address) -> bool:
    known = any(address in network for network in NOT_PUBLIC if network.version == address.version)
    return address.is_global and not address.is_multicast and not known


def _inside(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return
    mapped, relayed, tunnelled = address.ipv4_mapped, address.sixtofour, address.teredo
    yield from (one for one in (mapped, relayed, *(tunnelled or ())) if one is not None)
    if any(address in network for network in LAST_BITS) or address.packed[8:12] in ISATAP:
        yield IPv4Address(address.packed[12:])
