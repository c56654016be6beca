"""A source: who sends. Its write key opens the door, its settings say how its calls are treated."""

from msgspec import Struct


class Source(Struct, frozen=True, kw_only=True):
    """One configured source."""

    name: str
    """What the operator calls it."""
    write_key: str
    """What its clients send; empty for a source that no client can reach."""
    workspace: str = "default"
    """Sources of one workspace share message ids: the same id twice is one event."""
    enabled: bool = True
    """Whether its calls are kept; those of a disabled source are answered 200 and counted."""
    rate_limit: int = 1000
    """Requests a second, burst twice that; 0 switches the limit off."""
    collect_ip: bool = True
    """Whether client calls get `context.ip` from the connection."""
    collect_ipv6: bool = False
    """Whether an IPv6 address is collected too."""
    dedupe_window: float = 86_400.0
    """Seconds for which a message id of this source is remembered."""
    region: str | None = None
    """The region that its data must stay in; None is the one that the router serves."""
    list_destinations: bool = False
    """Whether cloud destinations are named in the settings that clients fetch."""

    def __repr__(self) -> str:
        return f"Source(name={self.name!r}, write_key=***)"


EMBEDDED_SOURCE = "embedded"
"""Name of the source that a router's own `track(…)` calls come from, unless the caller names another."""
