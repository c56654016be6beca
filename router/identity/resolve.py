"""Where an event meets its profile. No profile is attached yet; the identity graph takes this place."""

from collections.abc import Sequence

from router.events.envelope import Envelope
from router.events.step import Prepared


def resolve(events: Sequence[Prepared], first_position: int) -> list[Envelope]:
    """Give every event its position in the stream and, once there is a graph, its profile."""
    return [
        Envelope(first_position + offset, one.source, one.event, one.received_at, one.metadata)
        for offset, one in enumerate(events)
    ]
