"""What a destination would send for some events, without sending anything: its first requests as data.

Events are routed and put into batches in the order of the stream, as if the destination were never behind. Of each
batch the requests up to the first one whose answer matters are shown; what would follow depends on that answer.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import Any

from msgspec import Struct

from router.delivery.routing import Accepts, Route
from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.plugins.destination import Destination
from router.plugins.policies import Batching
from router.plugins.request import Answer, Request

EMPTY_ANSWER = Answer(200, {}, b"{}")


class Outgoing(Struct, frozen=True):
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


def outgoing(
    destination: Destination[Any, Any],
    sources: frozenset[str] | None,
    envelopes: Sequence[Envelope],
    *,
    accepts: Accepts | None = None,
) -> list[Outgoing]:
    """What `destination` would send for `envelopes`, which are in order."""
    route = Route(sources, destination.event_types(), accepts)
    found: list[Outgoing] = []
    for batch in batches([one.event for one in route.divide(envelopes).taken], destination.batching):
        first = batch[0].message_id
        if not destination.speaks_http():
            body = b"\n".join(event.json for event in batch)
            found.append(Outgoing((first, 0), len(batch), "deliver", body=body))
            continue
        try:
            requests = first_requests(destination, batch)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; that is what would happen
            why = f"{type(error).__name__}: {error}".encode()
            found.append(Outgoing((first, 0), len(batch), "fails", body=why))
            continue
        for number, (request, is_first_of_more) in enumerate(requests):
            found.append(
                Outgoing(
                    (first, number),
                    len(batch),
                    request.method,
                    request.url,
                    tuple(request.headers.items()),
                    request.body,
                    is_first_of_more,
                )
            )
    return found


def first_requests(
    destination: Destination[Any, Any], events: Sequence[AnyEvent]
) -> list[tuple[Request, bool]]:
    """The requests up to the first answer, each with whether others follow that depend on it."""
    described = destination.requests(events)
    if not isinstance(described, Generator):
        return [(request, False) for request in described]
    try:
        first = next(described)
        return [(first, _goes_on(described))]
    except StopIteration:
        return []
    finally:
        described.close()


def _goes_on(flow: Generator[Request, Answer, Any]) -> bool:
    """Whether a flow asks for more once it got an answer; one that cannot read an empty one would look at it."""
    try:
        flow.send(EMPTY_ANSWER)
    except StopIteration:
        return False
    except Exception:  # noqa: BLE001 - it did not like the answer, so the answer matters
        return True
    return True


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
