"""What privacy costs an event that holds nothing of it, beside decoding that event once."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from router.enrichment.detection import Detection
from router.enrichment.findings import Findings
from router.enrichment.privacy_guard import PrivacyGuard
from router.enrichment.processing import Aside
from router.enrichment.sightings import Seen
from router.events.calls import Track
from router.events.wire import TrackCall
from router.rules.privacy.classified import Classified
from router.rules.privacy.controls import compiled
from router.rules.privacy.matchers import Detector
from tests.bench.events import ecommerce
from tests.bench.figure import Figure, ratio

EVENTS = 10_000
FIELDS = (
    "ssn",
    "email",
    "phone",
    "password",
    "properties.card.number",
    "birthday",
    "first_name",
    "last_name",
)


async def privacy_figures(folder: Path) -> list[Figure]:
    """Eight controlled fields; and looking for more."""
    controls = compiled({"red": FIELDS}, {"red": "block"}, {"block": None})
    assert controls is not None
    guard, aside = PrivacyGuard(controls), Aside("bench", 0)
    texts = [ecommerce() for _ in range(EVENTS)]
    calls = [_call(text) for text in texts]
    events = [_event(call) for call in calls]
    detection = Detection(Detector(), Classified(()), every=64)

    def guarded() -> None:
        for call, event in zip(calls, events, strict=True):
            guard.call(call, aside)
            guard(event, aside)

    def looked() -> None:
        finds, seen = Findings().step(), Seen(("bench", Track, "Order Completed"), 0, 0)
        for event in events:
            seen.count += 1
            detection(event, seen, finds, source="bench")

    def decoded() -> None:
        for text in texts:
            msgspec.json.decode(text)

    return [
        await _beside("eight controls that meet nothing", guarded, decoded),
        await _beside("looking for personal data", looked, decoded),
    ]


async def _beside(name: str, work: Callable[[], None], other: Callable[[], None]) -> Figure:
    def cost(run: Callable[[], None]) -> Callable[[], object]:
        async def measure() -> float:
            started = time.process_time()
            run()
            return (time.process_time() - started) / EVENTS * 1e6

        return measure

    found, one, two = await ratio(cost(work), cost(other))  # type: ignore[arg-type]
    return Figure(f"CPU of {name} / decode", found, 1.0, "×", detail=f"{one:.2f} / {two:.2f} µs")


def _call(text: bytes) -> TrackCall:
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return TrackCall(event="Order Completed", properties=members["properties"], context=members["context"])


def _event(call: TrackCall) -> Track:
    at = "2030-05-01T10:00:00.000Z"
    return Track(
        event="Order Completed",
        message_id="m",
        received_at=at,
        timestamp=at,
        properties_json=call.properties,
        context_json=call.context,
    )
