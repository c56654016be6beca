"""What profiles cost: resolving with everything in memory, and the pipeline with them and without."""

import itertools
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Raw

from router.config.computed import ComputedTraitConfig, Form, computed_rules
from router.events.calls import AnyEvent, Identify, Track
from router.events.step import Prepared
from router.events.wire import ABSENT
from router.identity.resolver import Resolver
from router.plugins.settings import Duration
from router.rules.identity.computed.rules import ComputedRules
from router.rules.identity.space_rules import SpaceRules
from router.storage.memory.store import MemoryStorage
from tests.bench.events import ecommerce
from tests.bench.figure import Cost, Figure, ratio
from tests.bench.load import post_all
from tests.bench.process import Server, wait_until

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


def one_of_ten(number: int, users: int) -> AnyEvent:
    """An identify call of each user in turn, and nine track calls behind it."""
    user = number // 10
    return telling(user, users) if number % 10 == 0 else plain(user, users)


async def resolving(
    make: Callable[[int, int], AnyEvent], *, users: int = 2000, rules: SpaceRules | None = None
) -> float:
    """CPU microseconds an event, when all profiles are in memory."""
    store = MemoryStorage()
    spaces = {"website": ("default", rules or SpaceRules())}
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


def five_rules(event: str, *, send: tuple[Form, ...]) -> ComputedRules:
    """A counter, one in a window, a sum, the last and the most frequent value of a kind of event."""
    shared = {"event": event, "send": send}
    return computed_rules(
        {
            "orders": ComputedTraitConfig(kind="count", **shared),
            "orders_30d": ComputedTraitConfig(kind="count", window=Duration(30 * 86_400), **shared),
            "spent": ComputedTraitConfig(kind="sum", property="total", **shared),
            "last_coupon": ComputedTraitConfig(kind="last", property="coupon", **shared),
            "favourite_shop": ComputedTraitConfig(kind="most_frequent", property="affiliation", **shared),
        },
        {},
    )


async def computed_figures() -> list[Figure]:
    """What computed traits cost beside resolving alone."""

    async def without() -> float:
        return await resolving(plain)

    def computing(event: str, send: tuple[Form, ...] = ()) -> Cost:
        async def measure() -> float:
            return await resolving(plain, rules=SpaceRules(computed=five_rules(event, send=send)))

        return measure

    figures = []
    for name, measure, target in (
        ("CPU to resolve an event, five computed traits of other events / none", computing("Signed Up"), 1.5),
        ("… of this event, kept", computing("Order Completed"), 30),
        ("… of this event, and each new value told", computing("Order Completed", ("identify",)), 60),
    ):
        found, one, other = await ratio(measure, without, rounds=3)
        figures.append(Figure(name, found, target, "×", detail=f"{one:.2f} / {other:.2f} µs"))
    return figures


async def resolve_figures() -> list[Figure]:
    """Resolving beside reading the event's JSON once, which takes 5 µs on a machine that has nothing else to do."""

    async def reading() -> float:
        event = ecommerce()
        begin = time.process_time()
        for _ in range(20_000):
            msgspec.json.decode(event)
        return (time.process_time() - begin) / 20_000 * 1e6

    async def common() -> float:
        return await resolving(plain)

    async def mixed() -> float:
        return 0.9 * await resolving(plain) + 0.1 * await resolving(telling)

    async def kept() -> float:
        rules = SpaceRules(snapshot=frozenset({"trait_1", "trait_2"}))
        return await resolving(one_of_ten, users=500, rules=rules)

    figures = []
    for name, measure, target in (
        ("CPU to resolve an event, profile in memory / decode it", common, 0.6),
        ("… one of ten an identify call with ten traits", mixed, 1.6),
        ("… and two traits kept with each event", kept, 1.8),
    ):
        found, one, other = await ratio(measure, reading, rounds=3)
        figures.append(Figure(name, found, target, "×", detail=f"{one:.2f} / {other:.2f} µs"))
    return figures


async def pipeline_figure(folder: Path) -> Figure:
    """CPU per delivered event of users that are known, with profiles and without."""
    requests, users = 200, 5000
    numbers = itertools.count(1)

    def body() -> bytes:
        members = b",".join(ecommerce(number, number % users) for number in itertools.islice(numbers, 100))
        return b'{"batch":[' + members + b'],"writeKey":"wk_bench"}'

    with ExitStack() as stack:
        costs = []
        for kind in ("profiles", "router"):
            (folder / kind).mkdir()
            sink = stack.enter_context(Server("sink", folder / kind))
            server = stack.enter_context(Server(kind, folder / kind, sink.url + "/hook"))
            costs.append(_delivering(server, sink, body, requests))
        for cost in costs:
            await cost()  # every user becomes known
        found, one, other = await ratio(*costs)
    return Figure(
        "CPU per delivered event, with profiles / without",
        found,
        1.35,
        "×",
        detail=f"{one:.1f} / {other:.1f} µs",
    )


def _delivering(server: Server, sink: Server, body: Callable[[], bytes], requests: int) -> Cost:
    total = 0

    async def measure() -> float:
        nonlocal total
        bodies = [body() for _ in range(requests)]
        total += requests * 100
        before = server.cpu
        await post_all(server.url + "/v1/batch", iter(bodies), connections=8)
        await wait_until(sink.url, lambda text: int(text) >= total, timeout=120)
        return (server.cpu - before) / (requests * 100) * 1e6

    return measure


async def identity_figures(folder: Path) -> list[Figure]:
    """All of it but the graph of millions (`tests.bench.profiles`)."""
    return [*await resolve_figures(), *await computed_figures(), await pipeline_figure(folder)]
