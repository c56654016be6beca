"""What profiles cost: resolving with everything in memory, the pipeline with and without, and a graph of millions."""

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

import msgspec
from msgspec import Raw

from router.events.calls import AnyEvent, Identify, Track
from router.events.step import Prepared
from router.events.wire import ABSENT
from router.identity.resolver import Resolver
from router.rules.identity.space_rules import SpaceRules
from router.storage.memory.store import MemoryStorage
from tests.bench.events import ecommerce

STEP = 1000
STEPS = 50
AT = 1_900_000_000_000
STAMP = "2030-03-17T17:46:40.000Z"
_BROWSER = msgspec.json.encode(
    {
        "ip": "203.0.113.7",
        "locale": "en-US",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36",
        "page": {
            "path": "/shop",
            "referrer": "",
            "search": "",
            "title": "Shop",
            "url": "https://shop.test/shop",
        },
        "library": {"name": "analytics.js", "version": "next-1.81.0"},
        "timezone": "Europe/Lisbon",
    }
)
_TRAITS = msgspec.json.encode({f"trait_{number}": f"value {number}" for number in range(9)})


def _shared(number: int) -> dict[str, object]:
    return {"message_id": f"message-{number}", "received_at": STAMP, "timestamp": STAMP}


def plain(number: int, users: int) -> AnyEvent:
    """A track call of a browser: user id, anonymous id, and nothing else for the graph."""
    order = msgspec.json.decode(ecommerce(number), type=dict[str, Raw])
    return Track(
        event="Order Completed",
        user_id=f"user-{number % users}",
        anonymous_id=f"anonymous-{number % users}",
        context_json=Raw(bytes(_BROWSER)),
        properties_json=order["properties"],
        **_shared(number),
    )


def telling(number: int, users: int) -> AnyEvent:
    """An identify call with an email address and ten traits that are known."""
    user = number % users
    traits = b'{"email":"user-%d@shop.test",' % user + _TRAITS[1:]
    return Identify(
        user_id=f"user-{user}",
        anonymous_id=f"anonymous-{user}",
        context_json=Raw(bytes(_BROWSER)),
        traits_json=Raw(traits),
        **_shared(number),
    )


async def resolving(make: object, *, users: int = 2000) -> float:
    """CPU microseconds an event, when all profiles are in memory."""
    assert callable(make)
    store = MemoryStorage()
    spaces = {"website": ("default", SpaceRules())}
    resolver = Resolver(store.profiles, store.store_id, lambda: spaces, memory_bytes=lambda: 1 << 28)

    def step(first: int) -> list[Prepared]:
        events = [make(number, users) for number in range(first, first + STEP)]
        for event in events:
            event.json  # noqa: B018 - enrichment encodes it
        return [Prepared("website", event, ABSENT, AT, bytes(16)) for event in events]

    took = []
    position = 0
    for number in range(STEPS):
        events = step(position)
        begin = time.process_time()
        done = await resolver.resolve(events, position)
        took.append((time.process_time() - begin) / STEP * 1e6)
        if done.changes is not None:
            store.profiles.write(done.changes)
        resolver.committed()
        position += STEP
        if number * STEP < users:
            took.clear()
    return statistics.median(took)


if __name__ == "__main__":
    for one in (plain, telling):
        print(one.__name__, asyncio.run(resolving(one)))
