"""What a tracking plan and the inventory cost an event, alone in this process."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from router.enrichment.inventory import Inventory
from router.events.calls import Track
from router.rules.plan.enforcement import Enforcement, TrackEnforcement
from router.rules.plan.judge import Judge
from router.rules.plan.library import validator
from router.rules.plan.reading import plan_of
from router.storage.memory.store import MemoryStorage
from router.testing import events
from tests.bench.events import ecommerce
from tests.bench.figure import Cost, Figure, ratio

EVENTS = 5000
PROPERTIES: dict[str, Any] = {
    **{f"text_{one}": {"type": "string"} for one in range(6)},
    **{f"amount_{one}": {"type": "number", "minimum": 0} for one in range(4)},
    "quantity": {"type": "integer"},
    "is_new": {"type": "boolean"},
    "coupon": {"type": ["string", "null"]},
    "kind": {"type": "string", "pattern": "^(book|toy|game)$"},
    "products": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["sku"],
            "properties": {"sku": {"type": "string"}, "price": {"type": "number"}},
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["properties"],
    "properties": {
        "properties": {"type": "object", "required": ["text_0", "kind"], "properties": PROPERTIES}
    },
}


def fifteen(number: int) -> Track:
    """An event with fifteen properties that keeps to the plan."""
    properties = {
        **{f"text_{one}": f"text {number}" for one in range(6)},
        **{f"amount_{one}": 19.99 for one in range(4)},
        "quantity": number, "is_new": True, "coupon": None, "kind": "toy",
        "products": [{"sku": "G-1", "price": 1.5}, {"sku": "G-2", "price": 2}],
    }  # fmt: skip
    return events.track("Order Completed", properties=properties, message_id=str(number))


def cost(prepare: Callable[[], Any], run: Callable[[Any], object]) -> Cost:
    """CPU microseconds an event of `run`, without what `prepare` makes for it."""

    async def measure() -> float:
        prepared = prepare()
        started = time.process_time()
        run(prepared)
        return (time.process_time() - started) / EVENTS * 1e6

    return measure


def codec(raw: list[bytes]) -> None:
    """What figures are compared with: an ecommerce event decoded, and encoded with two keys more."""
    for event in raw:
        decoded = msgspec.json.decode(event)
        decoded["receivedAt"] = "2026-11-23T10:00:02.000Z"
        decoded["version"] = 2
        msgspec.json.encode(decoded)


async def plan_figures(folder: Path) -> list[Figure]:
    """Check, library and inventory beside one decoding and encoding of an event."""
    plan = plan_of(
        {"rules": [{"type": "TRACK", "key": "Order Completed", "version": 1, "jsonSchema": SCHEMA}]}
    )
    strict = TrackEnforcement(unplanned_properties="omit", violations="block")
    judge = Judge(plan, Enforcement(track=strict), source="website")
    library = validator(SCHEMA).is_valid
    inventory = Inventory(MemoryStorage(), sleep=asyncio.sleep)

    def fresh() -> list[Track]:
        return [fifteen(number) for number in range(EVENTS)]

    def judged(found: list[Track]) -> None:
        for event in found:
            assert judge(event) is None

    def by_library(found: list[Track]) -> None:
        for event in found:
            assert library({"properties": event.properties})

    def inventoried(found: list[Track]) -> None:
        for first in range(0, EVENTS, 500):
            step = inventory.step()
            for event in found[first : first + 500]:
                step.see("website", event, 1)
            inventory.committed()

    compared = cost(lambda: [ecommerce() for _ in range(EVENTS)], codec)
    figures = []
    for name, run, target in (
        ("plan check of 15 properties, names and values", judged, 0.5),
        ("the same values by the library alone, decoded for it", by_library, 2.0),
        ("inventory", inventoried, 0.1),
    ):
        await cost(fresh, run)()
        found, one, other = await ratio(cost(fresh, run), compared)
        figures.append(
            Figure(f"CPU per event: {name} / decode, two keys, encode", found, target, "×",
                   detail=f"{one:.2f} / {other:.2f} µs")
        )  # fmt: skip
    return figures
