"""What nobody should send: the graph stays small, the events go on, and nothing raises."""

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.rules.identity import graph, traits
from router.rules.identity.limit import Limit
from router.rules.identity.space_rules import SpaceRules
from router.rules.identity.values import LONGEST, identifier_value
from tests.unit.identity.worlds import START, World, external, identify, shape, track


@pytest.mark.parametrize(
    ("type", "sent", "value"),
    [
        ("user_id", " u1 ", "u1"),
        ("user_id", 7, "7"),
        ("user_id", -7, "-7"),
        ("user_id", 2.0, "2"),
        ("user_id", 1.5, "1.5"),
        ("email", " Ann@X.io ", "ann@x.io"),
        ("user_id", "Ann@X.io", "Ann@X.io"),
        ("user_id", "x" * LONGEST, "x" * LONGEST),
        ("user_id", "x" * (LONGEST + 1), None),
        ("user_id", "x" * (1 << 20), None),
        ("user_id", " " * (1 << 20), None),
        ("user_id", 10**600, None),
        ("user_id", float("nan"), None),
        ("user_id", float("inf"), None),
        ("user_id", True, None),
        ("user_id", "", None),
        ("user_id", "\t", None),
        ("user_id", None, None),
        ("user_id", [1], None),
        ("user_id", {"a": 1}, None),
        ("user_id", "half \ud800", None),
    ],
)
def test_what_is_an_identifier(type: str, sent: Any, value: str | None) -> None:
    assert identifier_value(type, sent) == value


async def test_a_long_id_is_nobody_and_its_event_goes_on() -> None:
    world = World()

    done = await world.step([track(user="x" * 30_000, anon="a1")])

    assert await world.shape() == shape("a1")
    assert done.envelopes[0].profile_id is not None
    assert done.counts["left_out_of_profiles", "website", "identifier"] == 1


@pytest.mark.parametrize(
    "entries",
    [
        None,
        "text",
        [None],
        ["text"],
        [[]],
        [{}],
        [{"id": "L1", "type": "loyalty_id", "collection": "users"}],
        [{"id": "L1", "type": "loyalty_id", "encoding": "none"}],
        [{"id": None, "type": "loyalty_id", "collection": "users", "encoding": "none"}],
        [external("L1", "Loyalty_Id")],
        [external("L1", "x" * 101)],
        [external("L1", 7)],
        [external("L1", "loyalty_id", "people")],
        [external({"a": 1})],
    ],
)
async def test_an_external_id_that_lacks_something_is_passed_over(entries: Any) -> None:
    world = World()

    await world.take(track(user="u1", context={"externalIds": entries}))

    assert await world.shape() == shape("u1")


@pytest.mark.parametrize(
    "context",
    [
        b"[]",
        b'"device"',
        b'{"device":7,"traits":[1],"integrations":"x","Braze":null,"groupId":{"a":1}}',
        b'{"device":{"type":7,"id":"d"}}',
        b'{"device":{"type":"toaster","id":"d"}}',
        b'{"traits":{"age":1e400},"device":{"type":"web"}}',
        b'{"traits":{"age":%s},"device":{"type":"web"}}' % (b"9" * 5000),
        b'{"integrations":{"Google Analytics":{"clientId":true}}}',
    ],
)
async def test_an_odd_context_hurts_nobody(context: bytes) -> None:
    world = World()

    done = await world.step([replace(track(user="u1"), context_json=Raw(context))])

    assert done.failures == []
    assert await world.shape() == shape("u1")


async def test_a_key_that_is_written_with_escapes_is_found() -> None:
    world = World()
    context = b'{"de\\u0076ice":{"type":"ios","id":"d1"}}'

    await world.take(replace(track(user="u1"), context_json=Raw(context)))

    assert await world.shape() == {frozenset({"user_id:u1", "ios.id:d1"})}


async def test_a_number_that_nobody_can_hold_is_a_trait_as_it_was_sent() -> None:
    world = World()

    event = replace(identify(user="u1"), traits_json=Raw(b'{"age":1e400,"age":2,"big":1e400}'))
    done = await world.step([event])

    assert done.failures == []
    owner = await world.owner("u1")
    assert owner is not None
    [found] = await world.store.profiles.traits([owner.id])
    assert {name: one.json for name, one in found.values.items()} == {"age": b"2", "big": b"1e400"}


async def test_a_space_learns_only_so_many_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MOST_TYPES", 5)
    world = World()
    for number in range(8):
        await world.take(track(user="u1", context={"externalIds": [external("x", f"type_{number}")]}))
    world.begin()
    await world.take(track(user="u1", anon="a1", context={"externalIds": [external("x", "type_9")]}))

    assert len(await world.store.profiles.types("default")) == 6  # anonymous_id needs no permission
    assert await world.owner("x", "type_9") is None
    assert await world.owner("a1", "anonymous_id") is not None


async def test_a_hot_user_stays_within_its_limits() -> None:
    world = World()

    for first in range(0, 2000, 500):
        await world.take(*(track(user="hot", anon=f"a{number}") for number in range(first, first + 500)))

    owner = await world.owner("hot")
    assert owner is not None
    assert len(owner.identifiers) == 6


async def test_a_profile_has_only_so_many_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traits, "MOST_TRAITS", 3)
    world = World()

    await world.take(identify(user="u1", traits={"a": 1, "b": 2, "gone": None}))
    await world.take(identify(user="u1", traits={"c": 3}, at=START + 1))
    done = await world.step([identify(user="u1", traits={"d": 4, "a": 9}, at=START + 2)])

    assert await world.traits("u1") == {"a": 9, "b": 2, "c": 3}
    assert done.counts["left_out_of_profiles", "website", "trait"] == 1


async def test_a_profile_has_only_so_many_bytes_of_traits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traits, "MOST_BYTES", 100)
    world = World()

    await world.take(identify(user="u1", traits={"a": "x" * 60}))
    await world.take(identify(user="u1", traits={"b": "x" * 60, "c": 1}, at=START + 1))

    assert set(await world.traits("u1")) == {"a", "c"}


async def test_a_merge_of_large_traits_stays_within_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traits, "MOST_BYTES", 100)
    world = World()
    await world.take(identify(user="u1", traits={"a": "x" * 60}), identify(anon="a1", traits={"b": "x" * 60}))

    await world.take(track(user="u1", anon="a1"))

    assert len(await world.traits("u1")) == 1


async def test_a_clock_that_is_wrong_moves_nothing_but_its_own_traits() -> None:
    world = World()

    await world.take(
        replace(identify(user="u1", traits={"plan": "future"}), timestamp="9999-12-31T23:59:59.999Z"),
        replace(identify(user="u1", traits={"city": "past"}), timestamp="0001-01-01T00:00:00.000Z"),
        replace(identify(user="u1", traits={"age": 3}), timestamp="yesterday"),
    )

    owner = await world.owner("u1")
    assert owner is not None
    assert owner.created_at == START
    assert await world.traits("u1") == {"plan": "future", "city": "past", "age": 3}


async def test_profiles_that_are_not_in_memory_are_read_again() -> None:
    world = World(memory_bytes=0)
    for _ in range(2):
        await world.take(*(identify(user=f"u{one}", anon=f"a{one}", traits={"n": one}) for one in range(50)))

    assert len(world.resolver.memory) == 0
    assert len(await world.shape()) == 50
    assert await world.traits("u7") == {"n": 7}


async def test_memory_keeps_those_who_were_met_last() -> None:
    world = World(memory_bytes=20_000)
    for number in range(100):
        await world.take(track(user="hot"), track(user=f"u{number}"))

    assert 5 < len(world.resolver.memory) < 30
    space = world.resolver.memory.spaces["default"]
    assert space.plain_owner("hot", None) is not None
    assert space.plain_owner("u1", None) is None


async def test_an_old_limit_does_not_outlive_its_rules() -> None:
    world = World(SpaceRules(limits={"user_id": Limit(2)}))
    await world.take(track(user="u1", anon="a1"), track(user="u2", anon="a1"))
    world.use(SpaceRules())

    await world.take(track(user="u3", anon="a1"))

    assert (await world.owner("u1")) == (await world.owner("u2")) != (await world.owner("u3"))


async def test_a_value_that_was_blocked_later_leads_nowhere() -> None:
    world = World()
    await world.take(track(user="shared", anon="a1"))
    rules = SpaceRules()
    blocked = {**rules.blocked, "user_id": type(rules.blocked["*"])(["shared"])}
    world.use(SpaceRules(blocked=blocked))

    first, second = await world.take(track(user="shared", anon="a2"), track(user="shared"))

    assert second is None
    assert await world.owner("a2", "anonymous_id") != await world.owner("a1", "anonymous_id")
    assert first is not None


async def test_an_event_that_nobody_can_read_costs_itself_alone() -> None:
    world = World()
    depth = 20_000
    deep = replace(identify(user="u1"), traits_json=Raw(b'{"a":' * depth + b"1" + b"}" * depth))

    done = await world.step([deep, track(user="u2")])

    assert [one.event.user_id for one in done.envelopes] == ["u2"]
    [failure] = done.failures
    assert "RecursionError" in failure.error
    assert "it cannot be sent in again" in failure.error
