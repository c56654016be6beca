"""Events that a destination could not take: parked ones wait for another attempt, dead letters were given up."""

from msgspec import Struct

PIPELINE = "(pipeline)"
"""The destination named in dead letters of processing itself."""


class Parked(Struct, frozen=True, gc=False):
    """An event that waits for its next attempt: a small row that points into the stream."""

    position: int
    attempts: int
    first_tried_at: int
    """Milliseconds since the epoch, as all times here."""
    due_at: int
    reason: str
    keys: tuple[str, ...]
    """The order keys it holds back: later events with one of them wait behind it (the barrier)."""
    kept: bytes = b""
    """Filled in by the store before the event's segment is trimmed: a segment (`router.storage.segment`) that holds
    this event alone. Empty while the stream still has it. Parking the position again does not lose it."""


class DeadLetter(Struct, frozen=True, gc=False):
    """An event given up, with what was sent, what was answered, the reason, and so a way back."""

    destination: str
    position: int
    message_id: str
    reason: str
    attempts: int
    first_tried_at: int
    died_at: int
    event: bytes
    """The stored form of the event as JSON."""
    request: str = ""
    """The request that was sent, secrets hidden, cut to 4 KiB."""
    answer: str = ""
    """The answer, cut to 4 KiB."""
    id: int = 0
    """Given by the store."""
    source: str = ""
    """Who sent the event; empty in letters of an older version."""
    entry: bytes = b""
    """For a letter of the pipeline: the call alone as an entry of the inbox (msgpack), so that it can be sent again."""
    profile: bytes = b""
    """What the event knew of its profile, as `router.events.profile` packs it; empty for nothing."""
