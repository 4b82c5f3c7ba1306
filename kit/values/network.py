"""Networks of clients: what a limit counts by. The gateway and the account service must count the same client the same way."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

# What some proxies write: 192.0.2.7:50412, [2001:db8::1]:50412, [2001:db8::1], fe80::1%eth0.
_WRITTEN: Final = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:\[\]]+):\d+")
_LONGEST: Final = 64
_HOST_BITS: Final = 64


def client_network(address: str) -> str:
    """The network that an address counts for: itself for IPv4, its /64 for IPv6, because one client owns a whole /64.

    Port, brackets and zone are ignored, and an IPv4 address written as IPv6 (::ffff:192.0.2.7) is the IPv4 address. A text that is no
    address counts for itself, up to 64 characters.
    """
    text = address.strip()
    if written := _WRITTEN.fullmatch(text):
        text = written[1] or written[2] or ""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return text[:_LONGEST]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
