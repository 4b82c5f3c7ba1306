"""Client networks, the subjects of rate limits: the gateway and the account service must identify a client alike."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

# Forms that some proxies send: 192.0.2.7:50412, [2001:db8::1]:50412, [2001:db8::1], fe80::1%eth0.
_WITH_PORT: Final = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:\[\]]+):\d+")
_MAX_LENGTH: Final = 64
_HOST_BITS: Final = 64


@lru_cache(maxsize=4096)
def client_network(address: str) -> str:
    """The network of an address: the address itself for IPv4, its /64 for IPv6, because one client usually owns a whole /64.

    Port, brackets and zone are ignored; an IPv4-mapped IPv6 address (::ffff:192.0.2.7) is treated as IPv4. Text that is not an address
    is returned as it is, cut to 64 characters.
    """
    text = address.strip()
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2] or ""
    try:
        address_value = ip_address(text.partition("%")[0])
    except ValueError:
        return text[:_MAX_LENGTH]
    if not isinstance(address_value, IPv6Address):
        return str(address_value)
    if address_value.ipv4_mapped is not None:
        return str(address_value.ipv4_mapped)
    return f"{IPv6Address(int(address_value) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
