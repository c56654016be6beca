"""What a destination would send for some events, without sending anything: its first requests as data.

Events are routed and put into batches in the order of the stream, as if the destination were never behind. Of each
batch the requests up to the first one whose answer matters are shown; what would follow depends on that answer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from router.delivery.routing import Route
from router.delivery.sending.first_requests import first_requests
from router.delivery.sending.outgoing import outgoing
from router.delivery.terms import Terms
from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.plugins.destination import Destination
from router.plugins.policies import Batching


class Shown(Struct, frozen=True):
    """One request, or what a destination that speaks no HTTP would be given."""

    key: tuple[str, int]
    """What it is compared by: the first message id of its batch, and its number among the batch's requests."""
    events: int
    """How many events are in its batch."""
    method: str
    """`deliver` where no HTTP is spoken, `fails` where the plugin raises."""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    is_first_of_more: bool = False
    """Whether other requests follow that depend on its answer."""


def shown(destination: Destination[Any, Any], terms: Terms, envelopes: Sequence[Envelope]) -> list[Shown]:
    """What `destination` would send, on these terms, for `envelopes`, which are in order."""
    wants = destination.wants if destination.chooses() else None
    taken = Route(terms, destination.event_types(), wants).divide(envelopes).taken
    found: list[Shown] = []
    for batch in batches([one.event for one in taken], destination.batching):
        first = batch[0].message_id
        if not destination.speaks_http():
            body = b"\n".join(event.json for event in batch)
            found.append(Shown((first, 0), len(batch), "deliver", body=body))
            continue
        try:
            requests = first_requests(destination, batch)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; that is what would happen
            why = f"{type(error).__name__}: {error}".encode()
            found.append(Shown((first, 0), len(batch), "fails", body=why))
            continue
        for number, first_request in enumerate(requests):
            request = outgoing(first_request.request)
            found.append(
                Shown(
                    (first, number),
                    len(batch),
                    request.method,
                    request.url,
                    tuple(request.headers.items()),
                    request.body,
                    first_request.is_followed,
                )
            )
    return found


def batches(events: Sequence[AnyEvent], batching: Batching) -> Iterator[list[AnyEvent]]:
    """The events in batches as large as may be."""
    batch: list[AnyEvent] = []
    size = 0
    for event in events:
        weight = len(event.json)
        if batch and (len(batch) >= batching.max_events or size + weight > batching.max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch
