"""Promises about what a destination does with events: it reads any, changes none, and says the same of each twice."""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

import msgspec

from router.events.calls import AnyEvent, encode_event
from router.testing.conformance.lab import lab
from router.testing.conformance.promise import CannotTell, NotKept
from router.testing.conformance.specimen import Specimen
from router.testing.events import one_of_each, track
from router.testing.exchanging import Exchange, exchange

LONG = "x" * 20_000
OPEN_SECONDS = 2.0


def hostile_events() -> list[AnyEvent]:
    """Events such as only strangers send: each is valid, and each has broken somebody's code."""
    strange = "\N{SNOWMAN} ‮ \U0001f4a9 é\r\nX-Injected: 1\t\0'\"<script>`${x}`; DROP TABLE"
    deep: dict[str, object] = {}
    for _ in range(60):
        deep = {"deeper": deep, "list": [[[]]]}
    numbers = {
        "id": 123,
        "big": 2**63,
        "huge": 10**300,
        "small": -1e-300,
        "zero": -0.0,
        "flag": True,
        "none": None,
    }
    found: list[AnyEvent] = [
        *one_of_each(user_id=None, anonymous_id="a1"),
        *one_of_each(
            user_id=strange, anonymous_id=strange, context={"ip": None, "page": "no object", "traits": []}
        ),
        *one_of_each(message_id="é ☃ \r\n\"'%00 /?#&=", context=deep),
        track("", properties={"": "", " ": " "}),
        track(strange, properties={strange: strange}),
        track(LONG[:5000], properties={"text": LONG}),
        track("Order Completed", properties={"products": "no list", "total": "12,50", "currency": 7}),
        track("Order Completed", properties={"products": [None, 1, "a", {}], "total": None}),
        track("Numbers", properties=numbers, context=numbers),
        track("Deep", properties=deep),
        track("Many", properties={f"p{number}": number for number in range(1500)}),
    ]
    return [_with_id(event, number) for number, event in enumerate(found)]


async def survives_hostile_events(specimen: Specimen) -> None:
    """Whatever a stranger sends is sent on."""
    events = specimen.taken(hostile_events())
    if not specimen.cls.speaks_http():
        await _deliver(specimen, events)
        return
    for event in events:
        try:
            await asyncio.to_thread(_exchange, specimen, [event])
        except Exception as error:
            raise NotKept(
                f"`requests` raises {type(error).__name__}: {error} for {_shown(event)}",
                "take what may be missing or of another type with care, e.g. `event.properties.get(…)`",
            ) from error
    async with lab(specimen) as one:
        await one.send(events)
        is_over = await one.finished(step=60.0)
        delivered = (await one.counts())["delivered"]
        if not is_over or delivered != one.accepted:
            letters = await one.letters()
            seen = f"the first is {_shown(letters[0].event)}: {letters[0].answer}" if letters else "they wait"
            raise NotKept(
                f"{one.accepted - delivered} hostile events could not be sent; {seen}",
                "encode what goes into headers and addresses, e.g. with urllib.parse.quote",
            )


async def alters_no_event(specimen: Specimen) -> None:
    """The events are as before."""
    events = specimen.events(context={"page": {"path": "/"}})
    before = [_read(event) for event in events]
    if specimen.cls.speaks_http():
        await asyncio.to_thread(_exchange, specimen, events)
    else:
        await _deliver(specimen, events)
    for event, was in zip(events, before, strict=True):
        if _read(event) != was:
            raise NotKept(
                f"the {event.type} event that it was given is another afterwards",
                "copy before you change, e.g. `dict(event.properties)` or `event.replace(…)`",
            )


async def says_the_same_twice(specimen: Specimen) -> None:
    """The same events make the same requests."""
    events = specimen.events()
    first, second = [await asyncio.to_thread(_exchange, specimen, events) for _ in range(2)]
    for one, other in zip(first.requests, second.requests, strict=False):
        if one != other:
            raise NotKept(
                f"the same events made two different requests: {one} and {other}",
                "leave clocks, random numbers and sets out of `requests`; take times and ids from the events",
            )
    if len(first.requests) != len(second.requests):
        raise NotKept(
            f"the same events made {len(first.requests)} requests, then {len(second.requests)}",
            "keep nothing from one call of `requests` to the next",
        )


async def sends_the_message_id(specimen: Specimen) -> None:
    """The service can tell an event that comes again."""
    if specimen.cls.idempotency.partition(":")[0] == "none":
        if not specimen.cls.idempotency.partition(":")[2].strip():
            raise NotKept(
                "`idempotency` gives no reason", 'write e.g. idempotency = "none: it has no place for ids"'
            )
        return
    if specimen.cls.idempotency_header is not None:
        return  # the engine fills it in
    for event in specimen.sending:
        done = await asyncio.to_thread(_exchange, specimen, [event])
        ids = {event.message_id, quote(event.message_id, safe=""), quote_plus(event.message_id)}
        if not any(id_ in _text(done, number) for number in range(len(done.requests)) for id_ in ids):
            raise NotKept(
                f"no request for a {event.type} event has its message id",
                "send `event.message_id` where the service takes an id or an idempotency key, or say why not: "
                'idempotency = "none: …"',
            )


async def makes_requests(specimen: Specimen) -> None:
    """At least one of the events that it takes is sent."""
    if not await asyncio.to_thread(lambda: specimen.sending):
        raise NotKept(
            "it makes no request for any event that it takes",
            "yield each request from `requests`, or name only those event types that you send",
        )


def _exchange(specimen: Specimen, events: Sequence[AnyEvent]) -> Exchange:
    return exchange(specimen.destination(), events, answers=[specimen.well] * 1000)


async def _deliver(specimen: Specimen, events: Sequence[AnyEvent]) -> None:
    """Deliver for real, if the destination can be opened here."""
    destination = specimen.destination()
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await destination.open()
    except Exception as error:  # noqa: BLE001 - a service that is not there may be missed in any way
        raise CannotTell(f"it cannot be opened here ({type(error).__name__}: {error})") from None
    try:
        for event in events:
            try:
                await destination.deliver([event])
            except Exception as error:
                raise NotKept(
                    f"`deliver` raises {type(error).__name__}: {error} for {_shown(event)}",
                    "take what may be missing or of another type with care, e.g. `event.properties.get(…)`",
                ) from error
    finally:
        await destination.close()


def _with_id(event: AnyEvent, number: int) -> AnyEvent:
    return event.replace(message_id=f"{number} {event.message_id}"[:100])


def _read(event: AnyEvent) -> list[object]:
    """Everything that an author can see of an event."""
    opened = [getattr(event, name, None) for name in ("context", "integrations", "properties", "traits")]
    return [encode_event(event), event.json, msgspec.json.encode(opened)]


def _text(done: Exchange, number: int) -> str:
    request = done.requests[number]
    return f"{request.url}\n{request.headers}\n{request.body.decode('utf-8', 'replace')}"


def _shown(event: AnyEvent | bytes) -> str:
    text = (event if isinstance(event, bytes) else event.json).decode("utf-8", "replace")
    return text if len(text) < 300 else text[:300] + "…"
