"""What a destination would send for some events, without sending anything: its first requests as data.

Events are routed and put into batches in the order of the stream, as if the destination were never behind. Of each
batch the requests up to the first one whose answer matters are shown; what would follow depends on that answer. So of
an event about which an insert function asks only the question is shown: what goes on is for the answer to say.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from router.delivery.routing import Route
from router.delivery.sending.first_requests import FirstRequest, first_requests
from router.delivery.sending.insert_function import InsertFunction
from router.delivery.sending.outgoing import outgoing
from router.delivery.terms import Terms
from router.events.calls import AnyEvent, Event
from router.events.envelope import Envelope
from router.plugins.chain import Chain
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
    functions = [InsertFunction(one) for one in terms.asking]
    found: list[Shown] = []
    for batch in batches([one.event for one in taken], destination.batching):
        found += _of_batch(destination, functions, batch)
    return found


def _of_batch(
    destination: Destination[Any, Any], functions: Sequence[InsertFunction], batch: Sequence[AnyEvent]
) -> list[Shown]:
    first, found = batch[0].message_id, list[Shown]()
    events: Sequence[AnyEvent] = batch
    try:
        for function in functions:
            questions, events = _looked(function, events)
            for one in questions:
                found.append(_shown((first, len(found)), len(one.events), one, is_first_of_more=True))
        if events and not destination.speaks_http():
            body = b"\n".join(event.json for event in events)
            found.append(Shown((first, len(found)), len(events), "deliver", body=body))
        elif events:
            for one in first_requests(destination, events):
                key = first, len(found)
                found.append(_shown(key, len(events), one, is_first_of_more=one.is_followed))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; that is what would happen
        why = f"{type(error).__name__}: {error}".encode()
        found.append(Shown((first, len(found)), len(events), "fails", body=why))
    return found


def _looked(
    function: InsertFunction, events: Sequence[AnyEvent]
) -> tuple[list[FirstRequest], list[AnyEvent]]:
    """What a function asks about `events`, and those that go on without an answer, as they go on."""
    if not function.transformation.asks():
        made = Chain([function.transformation]).apply_all(events)
        return [], [one for one in made if isinstance(one, Event)]
    types = function.event_types()
    asked = batches([event for event in events if isinstance(event, types)], function.batching)
    questions = [one for part in asked for one in first_requests(function, part)]
    ends = [function.made.pop(id(event), None) if isinstance(event, types) else event for event in events]
    return questions, [end for end in ends if isinstance(end, Event)]


def _shown(key: tuple[str, int], events: int, one: FirstRequest, *, is_first_of_more: bool) -> Shown:
    request = outgoing(one.request)
    headers = tuple(request.headers.items())
    return Shown(key, events, request.method, request.url, headers, request.body, is_first_of_more)


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
