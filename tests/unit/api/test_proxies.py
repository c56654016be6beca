"""Who the client is: only what trusted proxies say is believed."""

import pytest

from router.api.proxies import Proxies, collected


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (("10.0.0.0/8",), "203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (("10.0.0.0/8",), "10.0.0.1", "198.51.100.1:5000", "198.51.100.1"),
        (("10.0.0.0/8",), "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        (("10.0.0.0/8",), "10.0.0.1", "198.51.100.1, garbage", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", None, "10.0.0.1"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        (("::1",), "::1", "198.51.100.1", "198.51.100.1"),
        ((), "", None, ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(
    trusted: tuple[str, ...], peer: str, forwarded: str | None, client: str
) -> None:
    assert Proxies(trusted).client(peer, forwarded) == client


@pytest.mark.parametrize("address", ["garbage", "", "1" * 100])
def test_what_is_no_address_is_not_trusted(address: str) -> None:
    assert not Proxies(("0.0.0.0/0",)).is_trusted(address)


@pytest.mark.parametrize(
    ("address", "collects", "collects_ipv6", "kept"),
    [
        ("203.0.113.9", True, False, "203.0.113.9"),
        ("203.0.113.9", False, True, ""),
        ("2001:db8::1", True, False, ""),
        ("2001:db8::1", True, True, "2001:db8::1"),
    ],
)
def test_a_source_decides_which_addresses_are_collected(
    address: str, collects: bool, collects_ipv6: bool, kept: str
) -> None:
    assert collected(address, collects=collects, collects_ipv6=collects_ipv6) == kept
