"""A source: who sends. Its write key opens the door, its settings say how its calls are treated."""

from msgspec import Struct


class Source(Struct, frozen=True, kw_only=True):
    """One configured source."""

    name: str
    write_key: str
    workspace: str = "default"
    """Sources of one workspace share message ids: the same id twice is one event."""
    enabled: bool = True
    rate_limit: int = 1000
    """Requests a second, burst twice that; 0 switches the limit off."""
    collect_ip: bool = True
    """Whether client calls get `context.ip` from the connection."""
    collect_ipv6: bool = False
    """Whether an IPv6 address is collected too."""
    list_destinations: bool = False
    """Whether cloud destinations are named in the settings that clients fetch."""


EMBEDDED_SOURCE = "embedded"
"""Name of the source that a router's own `track(…)` calls come from, unless the caller names another."""
