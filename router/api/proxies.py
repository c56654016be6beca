"""Who the client is behind proxies: only what a trusted proxy says is believed."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network


class Proxies:
    """The configured trusted proxies."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks = [ip_network(one, strict=False) for one in trusted]

    def is_trusted(self, address: str) -> bool:
        """Whether `address` belongs to a trusted proxy."""
        if not self._networks:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The right-most address of `X-Forwarded-For` that is not a trusted proxy, or the peer itself."""
        if not forwarded_for or not self.is_trusted(peer):
            return peer
        address = peer
        for part in reversed(forwarded_for.split(",")):
            try:
                address = str(ip_address(part.strip().strip('"').strip("[]")))
            except ValueError:
                return address
            if not self.is_trusted(address):
                return address
        return address


def collected(address: str, *, collects: bool, collects_ipv6: bool) -> str:
    """The address as `context.ip`, or nothing when the source does not collect it."""
    if not collects or not address:
        return ""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None)
    if mapped is not None:
        return str(mapped)
    return str(parsed) if parsed.version == 4 or collects_ipv6 else ""
