"""Computed traits and audiences at work: what a profile has of them, and what destinations are told."""

from typing import Any

import msgspec
import pytest

from router.events.calls import Group, Identify
from router.identity.computed_profile import ComputedProfiles
from router.rules.identity.extraction import CONSENT_EVENT
from router.storage.hashing import message_hash
from tests.unit.identity.computing import Computed, moment, order, words
from tests.unit.identity.worlds import START, World, alias, group, identify, page, track

COUNT: Any = {"order_count": {"kind": "count", "event": "Order Completed"}}
SPENT: Any = {"spent": {"kind": "sum", "event": "Order Completed", "property": "total"}}
HOURLY: Any = {"hourly": {"kind": "count", "event": "Order Completed", "window": "1h"}}
BUYERS: Any = {"buyers": {"condition": "traits.order_count >= 2"}}
VIP: Any = {"vip": {"condition": 'traits.order_count >= 2 and traits.tier = "gold"', "send": ["track"]}}


async def test_identity_11_events_are_counted_and_each_new_number_is_told() -> None:
    world = Computed(COUNT)

    made = await world.send(order(), order(), page(user="u1"), track(user="u1"))

    assert words(made) == [{"order_count": 1}, {"order_count": 2}]
    assert await world.traits("u1") == {"order_count": 2}
    assert await world.classes("u1") == {"order_count": "count"}


async def test_what_is_told_stands_right_behind_its_event_and_is_of_the_same_profile() -> None:
    world = Computed(COUNT)

    done = await world.step([order(id="m1"), track(user="u2")])

    first, second, third = done.envelopes
    assert [one.position for one in done.envelopes] == [0, 1, 2]
    assert (first.source, second.source, third.source) == ("website", "engage_default", "website")
    assert first.profile_id == second.profile_id != third.profile_id
    assert done.counts["created_at_source", "engage_default", "computed_trait"] == 1


async def test_its_message_id_derives_from_the_event_and_the_rule() -> None:
    worlds = [Computed({**COUNT, **SPENT}) for _ in range(2)]

    one, other = [await world.step([order(id="m1"), order(id="m2")]) for world in worlds]

    ids = [envelope.event.message_id for envelope in one.envelopes]
    assert ids == [envelope.event.message_id for envelope in other.envelopes]
    assert len(set(ids)) == 6
    assert one.hashes[1] == message_hash(worlds[0].store.store_id, "default", ids[1])


async def test_what_is_told_is_whole_as_an_event() -> None:
    world = Computed(COUNT)

    [made] = await world.send(order(user="u1", anon="a1", at=START - 5000))

    stored = msgspec.json.decode(made.event.json)
    assert isinstance(made.event, Identify)
    assert (stored["userId"], stored["anonymousId"], stored["type"], stored["version"]) == (
        "u1",
        "a1",
        "identify",
        2,
    )
    assert stored["timestamp"] == stored["receivedAt"] == stored["originalTimestamp"]
    personas = stored["context"]["personas"]
    assert personas["computation_class"] == "computed_trait"
    assert (personas["computation_key"], personas["space_id"]) == ("order_count", "default")


async def test_a_trait_can_be_told_as_a_track_call_or_not_at_all() -> None:
    world = Computed(
        {
            "told": {"kind": "count", "event": "Order Completed", "send": ["track"]},
            "kept": {"kind": "count", "event": "Order Completed", "send": []},
        }
    )

    made = await world.send(order())

    assert words(made) == [("Trait Computed", {"trait_key": "told", "told": 1})]
    assert await world.traits("u1") == {"told": 1, "kept": 1}


async def test_a_value_that_stays_the_same_is_not_told_again() -> None:
    world = Computed({"largest": {"kind": "max", "event": "Order Completed", "property": "total"}})

    assert words(await world.send(order(5), order(3), order("x"), order(5))) == [{"largest": 5}]


async def test_a_condition_and_any_type_of_call_may_choose_the_events() -> None:
    world = Computed(
        {
            "large": {"kind": "count", "event": "Order Completed", "where": "properties.total > 100"},
            "pages": {"kind": "count", "where": 'type = "page"'},
        }
    )

    await world.send(order(101), order(100), page(user="u1"), track(user="u1", properties={"total": 500}))

    assert await world.traits("u1") == {"large": 1, "pages": 1}


async def test_a_property_may_lie_deeper() -> None:
    world = Computed({"t": {"kind": "last", "event": "Met", "property": "cart.my\\ total"}})

    await world.send(track(user="u1", properties={"cart": {"my total": 7}}), track(user="u1"))

    assert await world.traits("u1") == {"t": 7}


async def test_first_and_last_go_by_the_time_of_the_event() -> None:
    rule = {"event": "Met", "property": "p"}
    world = Computed({"f": {"kind": "first", **rule}, "l": {"kind": "last", **rule}})

    for value, at in (("b", 2000), ("c", 3000), ("a", 1000)):
        await world.send(track(user="u1", properties={"p": value}, at=START - 9000 + at))

    assert await world.traits("u1") == {"f": "a", "l": "c"}


async def test_what_was_computed_is_there_after_a_crash() -> None:
    world = Computed({**COUNT, **SPENT}, BUYERS)
    await world.send(order(1.5))
    world.begin()

    made = await world.send(order(2.5))

    assert words(made)[:2] == [{"order_count": 2}, {"spent": 4}]
    assert await world.traits("u1") == {"order_count": 2, "spent": 4, "buyers": True}


async def test_a_step_that_is_void_counts_for_nothing() -> None:
    world = Computed(COUNT, BUYERS)
    await world.send(order())
    prepared = [world.prepared(order(id="m2"))]
    first = (await world.store.facts()).stream_next

    void = await world.resolver.resolve(prepared, first)
    world.resolver.drop()
    done = await world.resolver.resolve(prepared, first)
    assert await world.commit(done)

    assert [one.event.json for one in void.envelopes] == [one.event.json for one in done.envelopes]
    assert await world.traits("u1") == {"order_count": 2, "buyers": True}


async def test_what_others_read_of_the_store_is_only_what_is_committed() -> None:
    world = Computed({"names": {"kind": "unique", "event": "Order Completed", "property": "total"}})
    await world.send(order("a"))
    owner = await world.owner("u1")
    assert owner is not None
    [before] = await world.store.profiles.traits([owner.id])

    await world.resolve([order("b"), order("c")])

    assert before.computed["names"].cells == {0: {'"a"': 1}}
    assert before.values["names"].json == b'["a"]'


# --- audiences ------------------------------------------------------------------------------------------


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


# --- merging --------------------------------------------------------------------------------------------


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


# --- rules that change ----------------------------------------------------------------------------------


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

    await world.send(identify(user="u1", traits={"bio": "x" * 40_000}))

    assert len((await world.traits("u1"))["bio"]) == 40_000
    assert 60 < len((await world.traits("u1"))["ids"]) < 75


async def test_events_that_found_no_room_or_no_value_are_counted() -> None:
    world = Computed(
        {**SPENT, **HOURLY, "ids": {"kind": "unique", "event": "Order Completed", "property": "total"}}
    )
    await world.send(*(order(f"{number:0990d}") for number in range(70)))

    done = await world.step([order("y" * 990, at=START - 9_000_000)])

    reasons = {name[2]: amount for name, amount in done.counts.items() if name[0] == "left_out_of_profiles"}
    assert reasons == {"computed_value": 1, "computed_past": 1, "computed_room": 1}


# --- accounts -------------------------------------------------------------------------------------------


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


# --- whom it is about -----------------------------------------------------------------------------------


async def test_ids_that_lead_elsewhere_are_not_those_of_the_profile() -> None:
    world = Computed(COUNT)
    await world.send(page(user="u1", anon="a1"))

    [made] = await world.send(order(user="u2", anon="a1"))

    assert (made.event.user_id, made.event.anonymous_id) == ("u2", None)


async def test_a_profile_known_by_its_user_id_is_told_of_by_that() -> None:
    world = Computed(COUNT)
    await world.send(page(user="u1", anon="a1"))

    [made] = await world.send(order(user=None, anon="a1"))

    assert (made.event.user_id, made.event.anonymous_id) == ("u1", "a1")


async def test_of_whom_no_id_is_known_nothing_is_told_until_one_is() -> None:
    world = Computed(COUNT)
    email = {"traits": {"email": "ann@x.io"}}

    nobody = await world.send(order(user="null", context=email))
    told = await world.send(order(user="u1", context=email))

    assert nobody == []
    assert words(told) == [{"order_count": 2}]


async def test_what_a_user_allows_goes_with_it() -> None:
    world = Computed(COUNT)
    consent = {"consent": {"categoryPreferences": {"ads": False}}}

    [of_event] = await world.send(order(context=consent))
    await world.send(
        track(event=CONSENT_EVENT, user="u1", context={"consent": {"categoryPreferences": {"ads": True}}})
    )
    [of_profile] = await world.send(order(context=consent))

    assert of_event.event.context["consent"] == {"categoryPreferences": {"ads": False}}
    assert of_profile.event.context["consent"] == {"categoryPreferences": {"ads": True}}


async def test_spaces_do_not_share_what_they_compute() -> None:
    world = Computed(COUNT)

    made = [*await world.send(order()), *await world.send(order(), source="shop")]

    assert [(one.source, words([one])) for one in made] == [
        ("engage_default", [{"order_count": 1}]),
        ("engage_other", [{"order_count": 1}]),
    ]


async def test_a_deleted_profile_has_nothing_left_that_time_could_change() -> None:
    world = Computed(HOURLY)
    await world.send(order())
    space = world.resolver.memory.spaces["default"]

    await world.edit(lambda nodes, stamp: world.resolver.graph.delete(space, nodes[0], stamp), "u1")

    assert await world.store.profiles.due(world.now * 2, 9) == []


async def test_time_that_passes_for_nobody_makes_nothing() -> None:
    world = Computed(HOURLY)
    await world.send(order())
    done = await world.step([moment(["use_nobody", "x"])], source="(time)")

    assert done.envelopes == []
    assert done.counts["filtered_at_source", "(time)", "time_passed"] == 1


async def test_where_there_are_no_profiles_any_more_time_passes_for_nobody() -> None:
    world = World()
    world.spaces = {}
    prepared = [world.prepared(moment(["x"]), "(time)"), world.prepared(page(user="u1"))]

    done = await world.resolver.resolve(prepared, 0)

    assert [(one.position, one.event.type) for one in done.envelopes] == [(0, "page")]


async def test_an_event_that_nothing_can_be_computed_of_is_set_aside_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Computed(COUNT)
    compute = ComputedProfiles.compute

    def broken(self: Any, task: Any, occasion: Any, *rest: Any) -> Any:
        if occasion.event.message_id == "bad":
            raise ValueError("no")
        return compute(self, task, occasion, *rest)

    monkeypatch.setattr(ComputedProfiles, "compute", broken)
    done = await world.step([order(), order(id="bad"), order()])

    assert [one.message_id for one in done.failures] == ["bad"]
    assert await world.traits("u1") == {"order_count": 2}


async def test_an_alias_call_joins_what_is_computed() -> None:
    world = Computed(COUNT)
    await world.send(order(user=None, anon="a1"), order(user="u1"))

    assert words(await world.send(alias("u1", "a1"))) == [{"order_count": 2}]
