"""Networks of clients: one client has one, however its address is written."""

import pytest

from kit.values import client_network


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7:50412", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:c000:207]:443", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:FFFF:0:0:9", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:50412", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
        ("", ""),
        ("x" * 100_000, "x" * 64),
        ("[]:1", ""),
        ("1:2:3:4", "1:2:3:4"),
    ],
)
def test_a_client_has_one_network(written: str, network: str) -> None:
    assert client_network(written) == network
