"""Promises about bad days: the service is down, busy, does not know us, or refuses an event."""

from router.events.calls import AnyEvent
from router.testing.conformance.lab import Lab, lab
from router.testing.conformance.promise import CannotTell, NotKept
from router.testing.conformance.specimen import Specimen
from router.testing.fake_http import Received, Reply

POISON = "poison-4c1d"
"""A word that stands in every field of the event that is refused, and in no other event."""
WAIT_SECONDS = 120
LEAVE_IT = (
    "leave retries to the engine: do not take this status into `accepts`, nor say delivered or rejected to it"
)


async def survives_an_outage(specimen: Specimen) -> None:
    """A 503, twice, and a connection that is cut, are followed by delivery."""
    async with lab(specimen) as one:
        one.service.script(503, Reply(is_reset=True), 503)
        await one.send(_many(specimen))
        await _all_delivered(one, "after two answers of 503 and a connection that was cut", LEAVE_IT)


async def waits_as_long_as_asked(specimen: Specimen) -> None:
    """After a 429 with Retry-After nothing is sent before that time."""
    async with lab(specimen) as one:
        one.service.script(Reply(status=429, headers={"Retry-After": str(WAIT_SECONDS)}))
        await one.send(_many(specimen)[:1])
        await _all_delivered(one, f"after an answer of 429 with Retry-After: {WAIT_SECONDS}", LEAVE_IT)
        waited = one.http.sent_at[1] - one.http.sent_at[0] if len(one.http.sent_at) > 1 else None
        if waited is None or waited < WAIT_SECONDS:
            seen = "sends nothing again" if waited is None else f"sends again after {waited:g} seconds"
            raise NotKept(
                f"it {seen} when the service asks for {WAIT_SECONDS} seconds of rest (429)", LEAVE_IT
            )


async def pauses_without_credentials(specimen: Specimen) -> None:
    """A burst of 401 stops it, costs no event, and is over when the credentials are mended."""
    async with lab(specimen) as one:
        one.service.rule = lambda received: Reply(status=401)
        await one.send(_many(specimen))
        await one.until(lambda: one.is_paused or one.is_over)
        if not one.is_paused:
            raise NotKept("it runs on while every request is answered 401", LEAVE_IT)
        one.service.rule = None
        await _all_delivered(one, "once 401 gave way to 200", LEAVE_IT)


async def isolates_a_bad_event(specimen: Specimen) -> None:
    """Of a batch with one event that the service refuses, that event dies and no other."""
    events = _many(specimen)
    bad = _poisoned(events[len(events) // 2])
    if not any(_is_poisoned_request(one) for one in specimen.requests([bad])):
        return  # the service is told nothing by which it could know the event
    events.insert(len(events) // 2, bad)
    async with lab(specimen) as one:
        one.service.rule = lambda received: Reply(status=400) if _is_poisoned(received) else None
        await one.send(events)
        if not await one.finished(step=30.0):
            raise NotKept("a batch with one event that is refused (400) never comes to an end", LEAVE_IT)
        dead = sorted(letter.message_id for letter in await one.letters())
        if dead != [bad.message_id]:
            seen = (
                "it is not recorded as dead" if not dead else f"{len(dead)} events of the batch die with it"
            )
            raise NotKept(
                f"when the service refuses one event (400), {seen}",
                "let the engine bisect the batch, or return an Outcome for each event as the service says",
            )


def _many(specimen: Specimen) -> list[AnyEvent]:
    """Some events of different users."""
    if not specimen.sending:
        raise CannotTell("it sends nothing")
    return [
        event.replace(message_id=f"m-{number}-{event.type}", user_id=f"u{number}")
        for number in range(4)
        for event in specimen.sending
    ]


async def _all_delivered(one: Lab, when: str, remedy: str) -> None:
    is_over = await one.finished()
    counts = await one.counts()
    if not is_over or counts["delivered"] != one.accepted:
        raise NotKept(f"of {one.accepted} events {counts['delivered']} were delivered {when}", remedy)


def _poisoned(event: AnyEvent) -> AnyEvent:
    changes = {name: POISON for name in ("event", "name", "group_id", "previous_id") if hasattr(event, name)}
    return event.replace(message_id=f"m-{POISON}", user_id=POISON, **changes)


def _is_poisoned(received: Received) -> bool:
    return POISON.encode() in received.body or POISON in f"{received.path}{received.headers}"


def _is_poisoned_request(request: object) -> bool:
    return POISON in repr(request)
