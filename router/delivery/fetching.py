"""Gets a parked event back, to try it again: from the stream, or from its row once the stream has lost it."""

from collections.abc import Awaitable, Callable

from router.delivery.flight import Report
from router.delivery.routing import Route
from router.delivery.state import Flight
from router.errors import StorageError
from router.events.envelope import Envelope
from router.storage.follower import Stream
from router.storage.letters import Parked

Recall = Callable[[int], Awaitable[Envelope | None]]
"""Finds a parked event whose segment is gone, by its position."""


async def fetch(flight: Flight, row: Parked, *, stream: Stream, recall: Recall | None, route: Route) -> None:
    """Fill `flight` with the event of `row`; while the store cannot be read it stays empty, and is put back."""
    report = flight.report = Report()
    try:
        reading = await stream.read(row.position)
        found = [one for one in reading.envelopes[:1] if one.position == row.position]
        if not found and recall is not None:
            kept = await recall(row.position)
            found = [kept] if kept is not None else []
    except StorageError:
        return
    flight.batch = found
    flight.is_gone = not found
    if found:
        routed = route.again(found)
        flight.batch = list(routed.taken)
        report.dead += routed.broken
