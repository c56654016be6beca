"""What it costs to decide, for one destination, which events of a batch it gets."""

import time
from collections.abc import Callable

import msgspec
from msgspec import Raw

from router.delivery.routing import Route
from router.delivery.terms import Terms
from router.events.calls import AnyEvent, decode_event
from router.events.envelope import Envelope
from router.rules.addressee import Addressee
from router.rules.filters.compiled import DestinationFilters
from router.rules.filters.reading import read_filter
from tests.bench.events import ecommerce
from tests.bench.figure import Cost, Figure, ratio

EVENTS = 1000
TURNS = 20
TYPES = AnyEvent.__args__
TO = Addressee(id="crm", kind="webhook", names=("Webhook", "Webhooks"))
CONDITION = 'type = "track" and properties.total > 1000'


def envelopes() -> list[Envelope]:
    """A batch as a caught-up destination reads it: open JSON that anybody looks into is decoded already."""
    made = []
    for number in range(EVENTS):
        event = msgspec.json.decode(ecommerce(number))
        metadata = Raw(msgspec.json.encode(event.pop("_metadata")))
        event.update(receivedAt=event["timestamp"], version=2)
        made.append(Envelope(number, "website", decode_event(msgspec.json.encode(event)), 1, metadata))
        made[-1].event.context, made[-1].event.properties  # type: ignore[union-attr]
    return made


async def routing_figures() -> list[Figure]:
    """Events that say nothing, and one destination filter, each beside decoding an event."""
    batch = envelopes()
    stored = [one.event.json for one in batch]
    drop = DestinationFilters([read_filter({"if": CONDITION, "actions": [{"type": "DROP"}]})])
    plain, filtering = Route(Terms(to=TO), TYPES), Route(Terms(to=TO, filters=drop), TYPES)

    def cost_of(route: Route) -> Cost:
        async def measure() -> float:
            return min(_spent(lambda: route.divide(batch)) for _ in range(TURNS))

        return measure

    async def decoding() -> float:
        return min(_spent(lambda: [decode_event(one) for one in stored]) for _ in range(TURNS))

    async def filter_alone() -> float:
        return await cost_of(filtering)() - await cost_of(plain)()

    found = []
    for name, measure, target in (
        ("CPU per event, routed that says nothing", cost_of(plain), 0.2),
        ("CPU per event, compiled filter", filter_alone, 0.4),
    ):
        share, one, other = await ratio(measure, decoding)
        found.append(Figure(name, one, target, "µs", detail=f"{share:.2f} of decoding it, {other:.2f} µs"))
    return found


def _spent(work: Callable[[], object]) -> float:
    """CPU microseconds per event."""
    before = time.process_time()
    work()
    return (time.process_time() - before) / EVENTS * 1e6
