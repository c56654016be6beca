"""Who enters an audience, who leaves it, and what is computed of accounts (identity 11)."""

from typing import Any

from router.events.calls import Group
from tests.unit.identity.computing import Computed, order, words
from tests.unit.identity.worlds import START, external, group, identify, page

COUNT: Any = {"order_count": {"kind": "count", "event": "Order Completed"}}
SPENT: Any = {"spent": {"kind": "sum", "event": "Order Completed", "property": "total"}}
HOURLY: Any = {"hourly": {"kind": "count", "event": "Order Completed", "window": "1h"}}
BUYERS: Any = {"buyers": {"condition": "traits.order_count >= 2"}}
VIP: Any = {"vip": {"condition": 'traits.order_count >= 2 and traits.tier = "gold"', "send": ["track"]}}


async def test_identity_11_who_enters_an_audience_and_who_leaves_it_is_told_in_both_forms() -> None:
    world = Computed({**COUNT, **HOURLY}, {"active": {"condition": "traits.hourly > 0"}})

    entered = await world.send(order(at=START))
    left = await world.pass_time(2 * 3600)

    assert words(entered)[-2:] == [
        ("Audience Entered", {"audience_key": "active", "active": True}),
        {"active": True},
    ]
    assert words(left) == [
        {"hourly": 0},
        ("Audience Exited", {"audience_key": "active", "active": False}),
        {"active": False},
    ]
    assert await world.traits("u1") == {"order_count": 1, "hourly": 0, "active": False}


async def test_an_audience_looks_at_traits_that_sources_send_too() -> None:
    world = Computed(COUNT, VIP)

    nothing = await world.send(order(), order())
    entered = await world.send(identify(user="u1", traits={"tier": "gold"}))
    again = await world.send(identify(user="u1", traits={"tier": "gold"}), order())
    left = await world.send(identify(user="u1", traits={"tier": None}))

    assert "vip" not in str(words(nothing))
    assert words(entered) == [("Audience Entered", {"audience_key": "vip", "vip": True})]
    assert words(again) == [{"order_count": 3}]
    assert words(left) == [("Audience Exited", {"audience_key": "vip", "vip": False})]


async def test_who_never_was_in_an_audience_has_no_word_of_it() -> None:
    world = Computed(COUNT, BUYERS)

    assert words(await world.send(order())) == [{"order_count": 1}]
    assert await world.classes("u1") == {"order_count": "count"}


async def test_an_audience_may_be_made_of_others_in_whatever_order_they_stand() -> None:
    world = Computed(
        COUNT,
        {
            "c": {"condition": "traits.b = true and traits.a = true", "send": ["track"]},
            "b": {"condition": "traits.a = true", "send": ["track"]},
            "a": {"condition": "traits.order_count >= 1", "send": ["track"]},
        },
    )

    made = await world.send(order())

    assert [one[1]["audience_key"] for one in words(made)[1:]] == ["a", "b", "c"]


async def test_a_new_profile_may_belong_by_what_it_lacks() -> None:
    world = Computed({}, {"unknown": {"condition": "traits.plan = null", "send": ["track"]}})

    assert len(await world.send(page(anon="a1"))) == 1
    assert len(await world.send(page(anon="a1"))) == 0
    assert len(await world.send(identify(anon="a1", traits={"plan": "x"}))) == 1


async def test_an_account_has_traits_of_the_events_that_name_it() -> None:
    world = Computed(
        {"orders": {"kind": "count", "event": "Order Completed", "collection": "accounts"}, **COUNT}
    )

    made = await world.send(
        order(user="u1", context={"groupId": "g1"}), order(user="u2", context={"groupId": "g1"})
    )

    own = [one for one in made if isinstance(one.event, Group)]
    assert words(own) == [{"orders": 1}, {"orders": 2}]
    assert {one.event.group_id for one in own if isinstance(one.event, Group)} == {"g1"}
    assert [one.event.user_id for one in own] == ["u1", "u2"]
    assert await world.traits("g1", "group_id", collection="accounts") == {"orders": 2}
    assert await world.traits("u1") == {"order_count": 1}


async def test_an_audience_of_accounts_looks_at_the_traits_of_group_calls() -> None:
    world = Computed({}, {"big": {"condition": "traits.employees > 100", "collection": "accounts"}})

    made = await world.send(group("g1", user="u1", traits={"employees": 500}))

    assert words(made) == [("Audience Entered", {"audience_key": "big", "big": True}), {"big": True}]
    assert made[0].event.context["groupId"] == "g1"
    assert isinstance(made[1].event, Group)


async def test_an_account_for_which_time_passes_stands_for_itself() -> None:
    world = Computed(
        {"h": {"kind": "count", "event": "Order Completed", "collection": "accounts", "window": "1h"}}
    )
    await world.send(order(user="u1", context={"groupId": "g1"}))

    [made] = await world.pass_time(7200)

    owner = await world.owner("g1", "group_id", collection="accounts")
    assert owner is not None
    assert (made.event.user_id, made.event.anonymous_id) == (None, owner.id)
    assert words([made]) == [{"h": 0}]


async def test_of_an_account_without_a_group_id_nothing_is_told() -> None:
    world = Computed({"orders": {"kind": "count", "event": "Order Completed", "collection": "accounts"}})
    context = {"externalIds": [external("crm-7", "crm_id", "accounts")]}

    assert await world.send(order(context=context)) == []
    assert await world.traits("crm-7", "crm_id", collection="accounts") == {"orders": 1}
