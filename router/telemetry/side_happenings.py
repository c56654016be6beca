"""Signals about the side log and the functions that work it off."""

from router.telemetry.signals import Signal


class WebhookFailed(Signal, frozen=True):
    """A source could not make calls of a vendor's request."""

    source: str
    reason: str
    error: str
    """What was raised, and the console of a function; never logged."""
    attempts: int
    seconds: float
    """When it is tried again."""
    is_over: bool
    """Whether it is a dead letter now."""
    body: bytes
    """Its body as JSON, for `tap`; never logged."""


class LaneLeftOut(Signal, frozen=True):
    """Entries of the side log wait for a function that is not configured; they are kept, but nothing runs them."""

    lane: str
    requests: int
    remedy: str


class SideEntrySetAside(Signal, frozen=True):
    """A damaged entry of the side log was set aside; nobody can run it any more."""

    lane: str
    entry: int
    reason: str


class EventsDiverted(Signal, frozen=True):
    """Events left processing for functions that ask others; they come back through the inbox."""

    lanes: tuple[str, ...]
    count: int
