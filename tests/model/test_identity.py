"""The graph against its words: whatever comes, and whatever fails between two steps, both are the same."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.events.calls import AnyEvent
from router.rules.identity import matching
from router.rules.identity.limit import Limit
from router.rules.identity.space_rules import SpaceRules
from router.storage.sqlite.store import SqliteStorage
from tests.model.people import People, Person
from tests.unit.identity.worlds import START, World, alias, group, identify, track

DAY = 86_400_000
RULES = SpaceRules(
    priorities=("user_id", "email", "anonymous_id"),
    limits={
        "user_id": Limit(1),
        "email": Limit(2),
        "anonymous_id": Limit(3, "weekly"),
        "group_id": Limit(1),
    },
)
users = st.sampled_from(("u1", "u2", "u3"))
anonymous = st.sampled_from(("a1", "a2", "a3", "a4", "a5"))
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("track", "track", "identify", "identify", "group", "alias")),
        "user": st.none() | users,
        "anon": st.none() | anonymous,
        "email": st.none() | st.sampled_from(("e1", "e2", "e3")),
        "group": st.sampled_from(("g1", "g2")),
        "previous": users | anonymous,
        "traits": st.dictionaries(st.sampled_from("pqr"), st.sampled_from((1, 2, "", None)), max_size=2),
        "at": st.integers(0, 5),
        "later": st.sampled_from((1, 1, 1, 3 * DAY)),
    }
)
faults = st.sampled_from(("", "", "", "failed", "restart", "flush"))
steps = st.lists(st.tuples(st.lists(events, min_size=1, max_size=5), faults), max_size=12)


def call(one: dict[str, Any]) -> AnyEvent:
    """The event, and in `one` only what it says."""
    who = {"user": one["user"], "anon": one["anon"], "at": START + one["at"], "id": one["id"]}
    if one["type"] == "track":
        one["group"] = one["email"] = None
        return track(**who)
    if one["type"] == "identify":
        one["group"] = None
        traits = {**one["traits"], **({"email": one["email"]} if one["email"] else {})}
        return identify(traits=traits, **who)
    if one["type"] == "group":
        one["email"] = None
        return group(one["group"], traits=one["traits"], **who)
    one["group"], one["user"] = None, one["user"] or "u1"
    return alias(one["user"], one["previous"], at=START + one["at"], id=one["id"])


async def walk(world: World, plan: Any) -> None:
    """Give the same events to both, and compare them after each step."""
    people = People(most_merges=4)
    known: dict[int, str | None] = {}
    number = 0
    for batch, fault in plan:
        prepared, expected = [], []
        for one in batch:
            number += 1
            one = {**one, "id": f"m{number:04}"}
            world.now += one["later"]
            prepared.append(world.prepared(call(one)))
            one["at"] += START
            expected.append(people.meet(one, now=world.now))
        first = (await world.store.facts()).stream_next
        done = await world.resolver.resolve(prepared, first)
        if fault == "failed":
            world.resolver.drop()
            done = await world.resolver.resolve(prepared, first)
        assert await world.commit(done)
        for wanted, envelope in zip(expected, done.envelopes, strict=True):
            if wanted is None:
                assert envelope.profile_id is None
            else:
                assert known.setdefault(wanted, envelope.profile_id) == envelope.profile_id
        if fault == "restart":
            world.begin()
        if fault == "flush" and isinstance(world.store, SqliteStorage):
            await world.store.profiles.flush()
        await compare(world, people, known)
        log = await world.store.profiles.next_change()
        again = await world.resolver.resolve(prepared[-1:], first + len(prepared))
        assert await world.commit(again)
        assert await world.store.profiles.next_change() == log


async def compare(world: World, people: People, known: dict[int, str | None]) -> None:
    """Both have the same profiles, identifiers, traits and links."""
    profiles = world.store.profiles
    for collection, persons in (("accounts", people.accounts), ("users", people.users)):
        found = {one.id: one for one in await profiles.pages("default", collection, limit=999)}  # type: ignore[arg-type]
        shapes = {frozenset((id.type, id.value) for id in one.identifiers): one.id for one in found.values()}
        assert set(shapes) == {frozenset(one.ids) for one in persons}
        for person in persons:
            id = shapes[frozenset(person.ids)]
            known.setdefault(person.number, id)
            assert known[person.number] == id
            assert found[id].merges == person.merges
            [traits] = await profiles.traits([id])
            assert {name: _value(one.json) for name, one in traits.values.items()} == _values(person)
            if collection == "users":
                links = {(link.user, link.account) for link in await profiles.links(id, limit=99)}
                wanted = {
                    (id, known[account])
                    for user, account in people.links
                    if people.survivor(user) == person.number
                }
                assert links == wanted


def _value(json: bytes | None) -> Any:
    return None if json is None else msgspec.json.decode(json)


def _values(person: Person) -> dict[str, Any]:
    return {name: value for name, (_, value) in person.traits.items()}


@pytest.fixture(autouse=True)
def few_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_MERGES", 4)


@pytest.mark.slow
@pytest.mark.parametrize("memory_bytes", [1 << 24, 0])
@given(steps)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_graph_is_what_its_words_say(memory_bytes: int, plan: Any) -> None:
    asyncio.run(walk(World(RULES, memory_bytes=memory_bytes), plan))


@pytest.mark.slow
@given(steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_graph_in_sqlite_is_what_its_words_say(plan: Any) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            store = SqliteStorage(path=Path(folder) / "router.db", free_floor=0, ballast_bytes=0)
            await store.open()
            try:
                await walk(World(RULES, store=store), plan)
            finally:
                await store.close()

    asyncio.run(run())
