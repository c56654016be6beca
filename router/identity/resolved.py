"""What becomes of a step's events: their envelopes, what is to be committed with them, and those that failed."""

from collections import Counter

from msgspec import Struct, field

from router.events.calls import Track
from router.events.envelope import Envelope
from router.events.step import Failure, Prepared
from router.events.times import parse_instant
from router.rules.identity.draft import Stamp
from router.storage.profile_changes import ProfileChanges


class Resolved(Struct):
    """A step whose events have their profiles."""

    envelopes: list[Envelope]
    hashes: list[bytes]
    """The message hashes of the envelopes."""
    changes: ProfileChanges | None
    counts: Counter[tuple[str, ...]]
    failures: list[Failure] = field(default_factory=list)


class Broken(Exception):
    """An event failed half-way through what it does to the graph."""

    def __init__(self, event: Prepared, error: Exception) -> None:
        self.event = event
        self.error = error


def stamp_of(event: Prepared, position: int) -> Stamp:
    """The event behind a change, at its place in the stream."""
    call = event.event
    at = parse_instant(call.timestamp)
    return Stamp(
        position=position,
        at=event.received_at if at is None else at,
        received_at=event.received_at,
        message_id=call.message_id,
        source=event.source,
        type=call.type,
        name=call.event if isinstance(call, Track) else "",
    )
