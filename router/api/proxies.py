"""Who the client is when proxies stand between: only those the operator trusts are believed."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_Network = IPv4Network | IPv6Network


class Proxies:
    """The trusted networks; without any, the peer is the client."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: tuple[_Network, ...] = tuple(ip_network(one, strict=False) for one in networks)
        self._is_trusted = lru_cache(maxsize=4096)(self._look_up)

    def is_trusted(self, address: str) -> bool:
        """Whether the headers of whoever has this address are believed."""
        return bool(self._networks) and len(address) < 64 and self._is_trusted(address)

    def client(self, peer: str, forwarded_for: str | None) -> str:
        """The client's address: the right-most one of the chain that is no trusted proxy."""
        client = plain_address(peer)
        if not self._networks or not self.is_trusted(client):
            return client
        for hop in reversed((forwarded_for or "").split(",")):
            address = plain_address(hop.strip())
            if not address:
                break
            client = address
            if not self.is_trusted(address):
                break
        return client

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def plain_address(text: str) -> str:
    """An address without port, brackets or zone, IPv4 also where it is written as IPv6; empty if it is none."""
    return _plain(text) if 0 < len(text) <= 64 else ""


@lru_cache(maxsize=4096)  # parsing one costs more than the rest of a request's way through the door
def _plain(text: str) -> str:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


def collected(address: str, *, collects: bool, collects_ipv6: bool) -> str:
    """The address if the source wants it collected, else nothing."""
    if not collects or (":" in address and not collects_ipv6):
        return ""
    return address
