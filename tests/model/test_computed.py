"""Computed traits against their words: whatever comes, and whatever fails, each profile has what its events come to.

The model keeps every event of every person and works the traits out anew each time. People who become one have all
their events together.
"""

import asyncio
import statistics
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.events.calls import Identify
from router.events.step import TIME_SOURCE
from router.identity.resolved import Resolved
from router.rules.identity.computed.windows import is_past, piece_of
from router.storage.sqlite.store import SqliteStorage
from tests.model.people import People
from tests.model.test_identity import RULES
from tests.unit.identity.computing import Computed, moment, rules_of
from tests.unit.identity.worlds import World, group, identify, track

HOUR = 3_600_000
KINDS = (
    "count", "sum", "average", "min", "max", "most_frequent", "first", "last", "unique", "unique_count",
)  # fmt: skip
TRAITS: Mapping[str, Mapping[str, Any]] = {
    f"{prefix}{kind}": {
        "kind": kind,
        "event": "Order",
        **({} if kind == "count" else {"property": "v"}),
        **({"window": "1h"} if prefix == "h_" else {}),
    }
    for prefix in ("", "h_")
    for kind in KINDS
} | {"g_sum": {"kind": "sum", "event": "Order", "property": "v", "collection": "accounts"}}
AUDIENCES: Mapping[str, Mapping[str, Any]] = {
    "often": {"condition": "traits.count >= 3"},
    "now": {"condition": "traits.h_count >= 1 and traits.p != 2 and traits.often = true"},
    "quiet": {"condition": "traits.h_count = 0 and traits.count > 0"},
}
users = st.sampled_from(("u1", "u2", "u3"))
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("track", "track", "track", "identify", "group")),
        "user": st.none() | users,
        "anon": st.none() | st.sampled_from(("a1", "a2", "a3")),
        "group": st.sampled_from(("g1", "g2")),
        "traits": st.dictionaries(st.sampled_from("pq"), st.sampled_from((1, 2, None)), max_size=1),
        "value": st.sampled_from((1, 2.5, 0.1, "b", "a", True, None)),
        "ago": st.sampled_from((0, 0, 0, HOUR // 2, 2 * HOUR, -HOUR)),
        "later": st.sampled_from((1, 1, 1, HOUR // 3, 3 * HOUR)),
    }
)
faults = st.sampled_from(("", "", "", "failed", "restart", "flush"))
steps = st.lists(st.tuples(st.lists(events, min_size=1, max_size=5), faults), max_size=10)


class Ledger:
    """Everything that ever happened, by the number of the person at that time."""

    def __init__(self) -> None:
        self.people = People()
        self.orders: list[tuple[int, int, tuple[int, int, str], Any]] = []
        """Person, the moment at which it counts, its place among others, its value."""

    def meet(self, one: dict[str, Any], now: int) -> int | None:
        """Take in an event."""
        number = self.people.meet(one, now=now)
        if one["type"] == "track":
            at = min(one["at"], now)
            accounts = [
                person.number for person in self.people.accounts if ("group_id", one["group"]) in person.ids
            ]
            for whose in [*accounts, *([] if number is None else [number])]:
                self.orders.append((whose, at, (at, now, one["id"]), one["value"]))
        return number

    def of(self, number: int, now: int, *, window: int = 0) -> list[tuple[tuple[int, int, str], Any]]:
        """The orders of a person that count."""
        found = [
            (order, value)
            for person, at, order, value in self.orders
            if self.people.survivor(person) == number and not is_past(piece_of(at, window), window, now)
        ]
        return sorted(found, key=lambda pair: pair[0])


def expected(kind: str, orders: list[tuple[Any, Any]]) -> Any:
    """What a kind says of orders; None for nothing."""
    values = [value for _, value in orders if value is not None]
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    match kind:
        case "count":
            return len(orders)
        case "sum":
            return round(sum(numbers), 9)
        case "average":
            return round(statistics.fmean(numbers), 9) if numbers else None
        case "min":
            return min(numbers, default=None)
        case "max":
            return max(numbers, default=None)
        case "first":
            return values[0] if values else None
        case "last":
            return values[-1] if values else None
        case "unique_count":
            return len({(type(one), one) for one in values})
        case "unique":
            return sorted({_word(one) for one in values})
    counts = Counter(_word(one) for one in values)
    most = max(counts.values(), default=0)
    return min((word for word, count in counts.items() if count == most), default=None) if most > 1 else None


def _word(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def shown(kind: str, value: Any) -> Any:
    """What the router says, in the same words."""
    if kind in ("sum", "average") and value is not None:
        return round(value, 9)
    if kind == "unique":
        return [_word(one) for one in value]
    return _word(value) if kind == "most_frequent" and value is not None else value


async def walk(world: World, plan: Any) -> None:
    """Give the same events to both, and compare them after each step."""
    ledger = Ledger()
    number = 0
    told: dict[str | None, dict[str, Any]] = {}
    for batch, fault in plan:
        prepared, met = [], []
        for one in batch:
            number += 1
            world.now += one["later"]
            one = {**one, "id": f"m{number:04}", "at": world.now - one["ago"]}
            who = {"user": one["user"], "anon": one["anon"], "at": one["at"], "id": one["id"]}
            if one["type"] == "track":
                one["group"] = one["group"] if one["ago"] == 0 else None
                context = {"groupId": one["group"]} if one["group"] else {}
                call: Any = track(event="Order", properties={"v": one["value"]}, context=context, **who)
            elif one["type"] == "identify":
                one["group"] = None
                call = identify(traits=one["traits"], **who)
            else:
                call = group(one["group"], traits=one["traits"], **who)
            prepared.append(world.prepared(call))
            met.append(ledger.meet(one, world.now))
        await commit(world, prepared, fault, told)
        while due := await world.store.profiles.due(world.now, 2):
            await commit(world, [world.prepared(moment(due), TIME_SOURCE)], fault, told)
        await compare(world, ledger, told)


async def commit(
    world: World, prepared: list[Any], fault: str, told: dict[str | None, dict[str, Any]]
) -> None:
    """Commit a step, perhaps not at the first attempt."""
    first = (await world.store.facts()).stream_next
    done: Resolved = await world.resolver.resolve(prepared, first)
    if fault == "failed":
        world.resolver.drop()
        again = await world.resolver.resolve(prepared, first)
        assert [one.event.json for one in done.envelopes] == [one.event.json for one in again.envelopes]
        done = again
    assert await world.commit(done)
    if fault == "restart":
        world.begin()
    if fault == "flush" and isinstance(world.store, SqliteStorage):
        await world.store.profiles.flush()
    assert not done.failures
    hashes = set(done.hashes)
    assert len(hashes) == len(done.hashes)
    for one in done.envelopes:
        if one.source == "engage_default" and isinstance(one.event, Identify):
            told.setdefault(one.profile_id, {}).update(one.event.traits)


async def compare(world: World, ledger: Ledger, told: dict[str | None, dict[str, Any]]) -> None:
    """Each profile has what its events come to, and destinations know it."""
    for account in ledger.people.accounts:
        ((type, value),) = account.ids
        orders = ledger.of(account.number, world.now)
        if any(isinstance(one, int | float) and not isinstance(one, bool) for _, one in orders):
            traits = await world.traits(value, type, collection="accounts")
            assert shown("sum", traits["g_sum"]) == expected("sum", orders)
    found = await world.store.profiles.pages("default", "users", limit=999)
    shapes = {frozenset((id.type, id.value) for id in one.identifiers): one.id for one in found}
    for person in ledger.people.users:
        id = shapes[frozenset(person.ids)]
        value, type = next((value, type) for type, value in person.ids)
        traits = await world.traits(value, type)
        has_ever = any(ledger.people.survivor(one[0]) == person.number for one in ledger.orders)
        for name in TRAITS:
            if name.startswith("g_"):
                continue
            kind, window = name.removeprefix("h_"), HOUR if name.startswith("h_") else 0
            wanted = expected(kind, ledger.of(person.number, world.now, window=window))
            if has_ever and (name in traits or wanted not in (None, 0, [])):
                assert shown(kind, traits.get(name)) == wanted, name
        custom = {name: value for name, (_, value) in person.traits.items() if value is not None}
        often = traits.get("count", 0) >= 3
        members = {
            "often": often,
            "now": traits.get("h_count", 0) >= 1 and custom.get("p") != 2 and often,
            "quiet": traits.get("h_count") == 0 and traits.get("count", 0) > 0,
        }
        assert {name: traits.get(name, False) for name in members} == members
        computed = {name: traits[name] for name in (*TRAITS, *AUDIENCES) if name in traits}
        known = {name: one for name, one in told.get(id, {}).items() if one is not None}
        assert known == computed


def rules() -> Any:
    return rules_of(TRAITS, AUDIENCES, limits=RULES.limits, priorities=RULES.priorities)


def world_of(**more: Any) -> World:
    world = Computed(**more)
    world.use(rules())
    return world


@pytest.mark.slow
@pytest.mark.parametrize("memory_bytes", [1 << 24, 0])
@given(steps)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_traits_are_what_the_events_of_a_profile_come_to(memory_bytes: int, plan: Any) -> None:
    asyncio.run(walk(world_of(memory_bytes=memory_bytes), plan))


@pytest.mark.slow
@given(steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_traits_in_sqlite_are_what_the_events_of_a_profile_come_to(plan: Any) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            store = SqliteStorage(path=Path(folder) / "router.db", free_floor=0, ballast_bytes=0)
            await store.open()
            try:
                await walk(world_of(store=store), plan)
            finally:
                await store.close()

    asyncio.run(run())
