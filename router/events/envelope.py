"""An event with everything the router knows of it, and the batches in which envelopes move."""

from collections.abc import Sequence

from msgspec import Raw, Struct

from router.events.calls import AnyEvent, keep_profile
from router.events.wire import ABSENT


class Envelope(Struct, frozen=True, gc=False):
    """One event of the stream: its position, where it came from and what the stages learned of it."""

    position: int
    """Number of the event in its partition of the stream."""
    source: str
    """Name of the source that sent it."""
    event: AnyEvent
    received_at: int
    """Milliseconds since the epoch, by the router's clock; never decreases along a log."""
    metadata: Raw = ABSENT
    """`_metadata` as the client sent it: for routing decisions, never part of what is delivered."""

    @property
    def profile_id(self) -> str | None:
        """The profile that the event was resolved to; None where there is none."""
        profile = self.event.profile
        return None if profile is None else profile.id

    def replace_event(self, event: AnyEvent) -> "Envelope":
        """Return the same envelope around another event, which is of the same profile."""
        event = keep_profile(self.event, event)
        return Envelope(self.position, self.source, event, self.received_at, self.metadata)


def order_keys(event: AnyEvent) -> tuple[str, ...]:
    """The keys whose order a destination keeps: user, anonymous and previous id, each with its namespace.

    `page(anonymous a1)` shares a key with `identify(u1, a1)`, so the one is not overtaken by the other.
    """
    user, anonymous = event.user_id, event.anonymous_id
    previous = getattr(event, "previous_id", None) if event.type == "alias" else None
    keys = []
    if user is not None:
        keys.append("u" + user)
    if anonymous is not None:
        keys.append("a" + anonymous)
    if previous is not None:  # a previous id may be a user's or an anonymous one
        keys += ["u" + previous, "a" + previous]
    return tuple(keys)


Batch = Sequence[Envelope]
"""Envelopes that move together, in the order of their positions."""
