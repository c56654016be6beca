"""What becomes of computed traits when profiles become one, and when rules change."""

from typing import Any

import pytest

from router.rules.identity.draft import Stamp
from router.rules.identity.node import Node
from tests.unit.identity.computing import Computed, moment, order, words
from tests.unit.identity.worlds import START, alias, identify, page

COUNT: Any = {"order_count": {"kind": "count", "event": "Order Completed"}}
SPENT: Any = {"spent": {"kind": "sum", "event": "Order Completed", "property": "total"}}
HOURLY: Any = {"hourly": {"kind": "count", "event": "Order Completed", "window": "1h"}}
BUYERS: Any = {"buyers": {"condition": "traits.order_count >= 2"}}
VIP: Any = {"vip": {"condition": 'traits.order_count >= 2 and traits.tier = "gold"', "send": ["track"]}}


async def test_profiles_that_become_one_have_what_all_their_events_come_to() -> None:
    world = Computed({**COUNT, **SPENT}, BUYERS)
    await world.send(order(1, user=None, anon="a1"), order(2, user="u1"))

    made = await world.send(identify(user="u1", anon="a1"))

    assert words(made)[:2] == [{"order_count": 2}, {"spent": 3}]
    assert await world.traits("u1") == {"order_count": 2, "spent": 3, "buyers": True}
    assert {one.event.user_id for one in made} == {"u1"}


async def test_what_an_anonymous_profile_brought_is_told_of_the_user_too() -> None:
    world = Computed(COUNT)
    await world.send(page(user="u1"))
    world.now += 1
    await world.send(order(user=None, anon="a1"))

    made = await world.send(identify(user="u1", anon="a1"))

    assert words(made) == [{"order_count": 1}]


async def test_profiles_joined_by_hand_are_told_of_when_time_passes() -> None:
    world = Computed(COUNT, BUYERS)
    await world.send(order(user="u1"), order(user="u2"))
    await world.edit(lambda nodes, stamp: world.resolver.graph.merge(nodes, stamp), "u1", "u2")
    assert (await world.traits("u1"))["order_count"] == 2

    made = await world.pass_time()

    assert words(made)[0] == {"order_count": 2}
    assert words(made)[2] == {"buyers": True}
    assert await world.pass_time() == []


async def test_time_that_passes_for_a_profile_that_this_step_merges_is_the_survivors() -> None:
    world = Computed(HOURLY)
    await world.send(order(user="u1"))
    await world.send(order(user=None, anon="a1"))
    world.now += 2 * 3_600_000
    ids = await world.store.profiles.due(world.now, 9)
    first = (await world.store.facts()).stream_next
    done = await world.resolver.resolve(
        [world.prepared(identify(user="u1", anon="a1")), world.prepared(moment(ids), "(time)")], first
    )
    assert await world.commit(done)

    assert len(ids) == 2
    assert len(await world.graph()) == 1
    assert await world.traits("u1") == {"hourly": 0}


async def test_a_changed_rule_begins_anew() -> None:
    world = Computed(COUNT)
    await world.send(order(), order())
    world.compute(
        {"order_count": {"kind": "count", "event": "Order Completed", "where": "properties.total > 5"}}
    )

    assert words(await world.send(order(1))) == []
    assert await world.traits("u1") == {"order_count": 2}
    assert words(await world.send(order(6))) == [{"order_count": 1}]


async def test_identity_7_the_value_of_a_rule_that_is_gone_stays_as_a_custom_trait() -> None:
    world = Computed({**COUNT, **SPENT})
    await world.send(order())
    world.compute(SPENT)

    await world.send(identify(user="u1", anon="a1"), page(anon="a2"))
    await world.send(identify(user="u1", anon="a2"))

    assert await world.traits("u1") == {"order_count": 1, "spent": 10}
    assert await world.classes("u1") == {"spent": "sum"}
    await world.send(identify(user="u1", traits={"order_count": 99}, at=world.now + 1))
    assert (await world.traits("u1"))["order_count"] == 99


async def test_a_computed_trait_has_no_other_value_than_that() -> None:
    world = Computed(COUNT, BUYERS)
    await world.send(order())

    done = await world.step([identify(user="u1", traits={"order_count": 99, "buyers": True, "plan": "x"})])

    assert await world.traits("u1") == {"order_count": 1, "plan": "x"}
    assert done.counts["left_out_of_profiles", "website", "computed_trait"] == 2


async def test_what_is_computed_takes_no_room_from_other_traits() -> None:
    world = Computed({"ids": {"kind": "unique", "event": "Order Completed", "property": "total"}})
    await world.send(*(order(f"{number:0900d}") for number in range(80)))

    await world.send(identify(user="u1", traits={"bio": "x" * 50_000}))

    assert len((await world.traits("u1"))["bio"]) == 50_000
    assert 25 < len((await world.traits("u1"))["ids"]) < 30


async def test_events_that_found_no_room_or_no_value_are_counted() -> None:
    world = Computed(
        {**SPENT, **HOURLY, "ids": {"kind": "unique", "event": "Order Completed", "property": "total"}}
    )
    await world.send(*(order(f"{number:0990d}") for number in range(70)))

    done = await world.step([order("y" * 990, at=START - 9_000_000)])

    reasons = {name[2]: amount for name, amount in done.counts.items() if name[0] == "left_out_of_profiles"}
    assert reasons == {"computed_value": 1, "computed_past": 1, "computed_room": 1}


async def test_of_two_states_of_different_rules_the_newer_one_goes_on() -> None:
    world = Computed(COUNT)
    await world.send(order(user="u1"), order(user="u1"))
    world.compute(
        {"order_count": {"kind": "count", "event": "Order Completed", "where": "properties.total > 5"}}
    )
    world.now += 1
    await world.send(order(9, user=None, anon="a1"))

    await world.send(identify(user="u1", anon="a1"))

    assert words(await world.send(order(9, user="u1"))) == [{"order_count": 2}]


async def test_an_audience_is_judged_anew_when_profiles_become_one() -> None:
    world = Computed({}, {"gold": {"condition": 'traits.tier = "gold"', "send": ["track"]}})
    await world.send(identify(user="u1", traits={"tier": "gold"}))
    world.now += 1
    await world.send(identify(anon="a1", traits={"tier": "tin"}, at=world.now))

    left = await world.send(identify(user="u1", anon="a1"))

    assert words(left) == [("Audience Exited", {"audience_key": "gold", "gold": False})]


async def test_both_were_in_an_audience_and_so_is_who_they_became() -> None:
    world = Computed({}, {"gold": {"condition": 'traits.tier = "gold"', "send": ["track"]}})
    await world.send(identify(user="u1", traits={"tier": "gold"}))
    await world.send(identify(anon="a1", traits={"tier": "gold"}))

    assert words(await world.send(identify(user="u1", anon="a1"))) == []
    assert (await world.traits("u1"))["gold"] is True


async def test_a_trait_that_the_other_profile_was_sent_gives_way_to_the_computed_one() -> None:
    world = Computed()
    await world.send(identify(anon="a1", traits={"order_count": 99}, at=world.now + 9))
    world.compute(COUNT, BUYERS)
    world.now -= 1
    await world.send(order(user="u1"), order(user="u1"))
    world.now += 2

    await world.send(identify(user="u1", anon="a1"))

    assert await world.traits("u1") == {"order_count": 2, "buyers": True}


async def test_time_does_not_pass_for_a_rule_that_was_changed() -> None:
    world = Computed(HOURLY)
    await world.send(order())
    world.compute({"hourly": {"kind": "count", "event": "Order Completed", "window": "2h"}})

    assert await world.pass_time(7200) == []
    assert await world.traits("u1") == {"hourly": 1}
    assert words(await world.send(order(at=world.now))) == []


async def test_profiles_that_were_forgotten_in_memory_are_read_again() -> None:
    world = Computed(COUNT, memory_bytes=0)
    await world.send(order())
    world.memory_bytes = 1 << 25
    world.begin()
    await world.send(page(user="u1"))

    assert words(await world.send(order())) == [{"order_count": 2}]


async def test_whom_only_the_former_id_of_an_alias_leads_to_is_read_again_too() -> None:
    world = Computed({"calls": {"kind": "count", "where": 'type != "page"'}})
    await world.send(order(user=None, anon="a1"))
    world.begin()

    assert words(await world.send(alias("u9", "a1"))) == [{"calls": 2}]


async def test_who_is_parted_by_hand_begins_anew_and_the_other_keeps_what_was_computed() -> None:
    world = Computed(COUNT)
    await world.send(order(user="u1", anon="a1"), order(user="u1"))
    space = world.resolver.memory.spaces["default"]

    def part(nodes: list[Node], stamp: Stamp) -> None:
        world.resolver.graph.split(space, nodes[0], [("anonymous_id", "a1")], stamp)

    await world.edit(part, "u1")

    assert words(await world.send(order(user=None, anon="a1"))) == [{"order_count": 1}]
    assert await world.traits("u1") == {"order_count": 2}


async def test_a_merge_and_what_is_computed_of_it_count_once_when_the_step_is_prepared_again() -> None:
    world = Computed(COUNT)
    await world.send(identify(user="u1", traits={"plan": "gold"}))
    await world.send(identify(anon="a1", traits={"plan": "free"}))
    buying = order(user="u1", anon="a1")
    await world.resolve([buying])
    world.resolver.drop()  # its commit failed

    await world.send(buying)

    assert (await world.traits("u1"))["order_count"] == 1


async def test_what_a_space_computed_stays_while_it_is_switched_off() -> None:
    world = Computed(HOURLY)
    await world.send(order())
    spaces, day = world.spaces, 86_400
    world.spaces = {"shop": spaces["shop"]}  # time goes on there

    assert await world.pass_time(2 * 3600) == []
    assert await world.traits("u1") == {"hourly": 1}
    assert await world.classes("u1") == {"hourly": "count"}

    world.spaces = spaces
    assert words(await world.pass_time(day)) == [{"hourly": 0}]


@pytest.mark.parametrize("window", [None, "48h"])
async def test_profiles_that_become_one_remember_no_more_values_than_one(window: str | None) -> None:
    rule = {"kind": "unique", "event": "Order Completed", "property": "total", "window": window}
    world = Computed({"ids": rule})
    old = START - 20 * 3_600_000
    await world.send(*(order(f"b{number:0900d}", user=None, anon="a1", at=old) for number in range(20)))
    await world.send(*(order(f"a{number:0900d}", user="u1") for number in range(20)))

    [told] = await world.send(identify(user="u1", anon="a1"))

    assert len(told.event.json) < 32 << 10
    kept = (await world.traits("u1"))["ids"]
    assert len(kept) == 27
    assert (
        sum(one.startswith("a" if window else "b") for one in kept) == 20
    )  # of pieces the newest, else the first
    await world.send(order("c" * 900, user="u1"))
    assert len((await world.traits("u1"))["ids"]) == 27
