"""Events keep what rules ask of their profile, as it is right behind them."""

from typing import Any

from msgspec.structs import replace

from router.events.calls import AnyEvent
from router.events.profile import MOST_BYTES
from router.rules.identity.space_rules import SpaceRules
from router.storage.segment import decode_segment, encode_segment
from tests.unit.identity.worlds import START, World, alias, group, identify, track

PLAN = SpaceRules(snapshot=frozenset({"plan", "city"}))


async def kept(world: World, *events: AnyEvent) -> list[Any]:
    """The traits that each event has, as they are read from the stream."""
    done = await world.step(events)
    if not done.envelopes:
        return []
    data = encode_segment(done.envelopes[0].position, done.envelopes, store_id=world.store.store_id)
    return [None if one.event.profile is None else one.event.profile.traits for one in decode_segment(data)]


async def test_an_event_sees_its_own_traits_and_not_those_of_later_ones() -> None:
    world = World(PLAN)

    found = await kept(
        world,
        track(user="u1"),
        identify(user="u1", traits={"plan": "free", "age": 3}),
        track(user="u1"),
        identify(user="u1", traits={"plan": "gold", "city": "Porto"}, at=START + 1),
        track(user="u1"),
        identify(user="u1", traits={"plan": None}, at=START + 2),
        track(user="u1"),
    )

    free, gold = {"plan": "free"}, {"plan": "gold", "city": "Porto"}
    assert found == [{}, free, free, gold, gold, {"city": "Porto"}, {"city": "Porto"}]


async def test_a_late_older_value_is_not_seen() -> None:
    world = World(PLAN)

    found = await kept(
        world,
        identify(user="u1", traits={"plan": "gold"}),
        identify(user="u1", traits={"plan": "free"}, at=START - 1),
    )

    assert found == [{"plan": "gold"}, {"plan": "gold"}]


async def test_traits_are_fetched_from_the_store_where_nothing_else_needs_them() -> None:
    world = World(PLAN)
    await world.take(identify(user="u1", anon="a1", traits={"plan": "gold"}))
    world.begin()

    assert await kept(world, track(anon="a1"), track(user="u1", anon="a1")) == [{"plan": "gold"}] * 2
    await world.take(identify(user="u1", traits={"plan": "free"}, at=START + 1))
    assert await kept(world, track(anon="a1")) == [{"plan": "free"}]


async def test_a_profile_in_memory_without_its_traits_gets_them() -> None:
    world = World()
    await world.take(identify(user="u1", traits={"plan": "gold"}))
    world.begin()
    await world.take(track(user="u1"))
    node = world.resolver.memory.get((await world.owner("u1")).id)  # type: ignore[union-attr]
    assert node is not None
    assert node.lacks_traits

    world.use(PLAN)

    assert await kept(world, track(user="u1")) == [{"plan": "gold"}]


async def test_a_merge_shows_the_traits_of_both() -> None:
    world = World(PLAN)
    await world.take(identify(anon="a1", traits={"plan": "gold"}))
    await world.take(identify(user="u1", traits={"city": "Porto"}))
    world.begin()

    both = {"city": "Porto", "plan": "gold"}
    assert await kept(world, track(anon="a1"), track(user="u1", anon="a1"), track(user="u1")) == [
        {"plan": "gold"},
        both,
        both,
    ]


async def test_an_alias_shows_what_the_joined_profile_has() -> None:
    world = World(PLAN)
    await world.take(identify(anon="a1", traits={"plan": "gold"}))
    world.begin()

    assert await kept(world, alias("u1", "a1"), track(user="u1")) == [{"plan": "gold"}] * 2


async def test_a_group_call_shows_the_user_and_not_the_account() -> None:
    world = World(PLAN)
    await world.take(identify(user="u1", traits={"plan": "gold"}))

    assert await kept(world, group("g1", user="u1", traits={"plan": "enterprise"})) == [{"plan": "gold"}]
    assert await kept(world, group("g2", traits={"plan": "enterprise"})) == [None]


async def test_events_without_a_profile_keep_nothing() -> None:
    world = World(PLAN)

    assert await kept(world, track(), track(user="null")) == [None, None]


async def test_without_such_rules_only_the_id_is_kept() -> None:
    world = World()

    done = await world.step([identify(user="u1", traits={"plan": "gold"}), track(user="u1")])

    assert [one.event.profile.traits for one in done.envelopes if one.event.profile] == [{}, {}]
    one, other = done.envelopes
    assert one.event.profile is other.event.profile
    data = encode_segment(0, [replace(one, position=0)], store_id=world.store.store_id)
    assert data[4] == 1  # readable by a version that knows of no traits


async def test_a_rule_that_is_added_counts_from_then_on() -> None:
    world = World()
    assert await kept(world, identify(user="u1", traits={"plan": "gold"})) == [{}]

    world.use(PLAN)

    assert await kept(world, track(user="u1")) == [{"plan": "gold"}]


async def test_a_step_that_is_not_committed_leaves_no_trace() -> None:
    world = World(PLAN)
    await world.take(identify(user="u1", traits={"plan": "gold"}))

    await world.resolve([identify(user="u1", traits={"plan": "free"}, at=START + 1)])
    world.resolver.drop()

    assert await kept(world, track(user="u1")) == [{"plan": "gold"}]


async def test_values_beyond_the_limit_are_left_out_and_counted() -> None:
    world = World(PLAN)
    await world.take(identify(user="u1", traits={"city": "c" * MOST_BYTES, "plan": "gold"}))
    world.begin()

    done = await world.step([track(user="u1"), track(user="u1")])

    assert [one.event.profile.traits for one in done.envelopes if one.event.profile] == [{"plan": "gold"}] * 2
    assert done.counts["left_out_of_profiles", "website", "snapshot"] == 1


async def test_traits_that_are_read_for_rules_count_for_the_memory() -> None:
    world = World(PLAN, memory_bytes=20_000)
    for number in range(50):
        await world.take(identify(user=f"u{number}", traits={"plan": "gold", "long": "x" * 1000}))
    world.begin()

    for number in range(50):
        assert await kept(world, track(user=f"u{number}")) == [{"plan": "gold"}]

    assert len(world.resolver.memory) < 12
