"""Computed traits and audiences at work: what a profile has of them, and what destinations are told."""

from typing import Any

import msgspec
import pytest

from router.events.calls import Identify
from router.identity.computed_profile import ComputedProfiles
from router.rules.identity.computed.trait import ComputedTrait
from router.rules.identity.extraction import CONSENT_EVENT
from router.storage.hashing import message_hash
from tests.unit.identity.computing import Computed, moment, order, rules_of, words
from tests.unit.identity.worlds import START, World, alias, page, track

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


@pytest.mark.parametrize("kind", ["unique", "unique_count"])
async def test_values_are_not_listed_again_for_one_that_is_known(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Computed({"totals": {"kind": kind, "event": "Order Completed", "property": "total"}})
    await world.send(order(1), order(2))
    monkeypatch.setattr(ComputedTrait, "result", None)

    assert await world.send(order(1)) == []
    monkeypatch.undo()

    assert words(await world.send(order(2), order(3))) == [{"totals": [1, 2, 3] if kind == "unique" else 3}]


async def test_what_destinations_were_never_told_is_told_once_the_rule_sends() -> None:
    rule: Any = {"kind": "max", "event": "Order Completed", "property": "total"}
    world = Computed({"largest": {**rule, "send": []}})
    await world.send(order(5))
    world.compute({"largest": rule})

    assert words(await world.send(order(3), order(4))) == [{"largest": 5}]


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


async def test_a_profile_that_nothing_can_be_computed_of_keeps_time_from_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Computed(HOURLY)
    await world.send(order(), order(user="u2"))
    compute = ComputedProfiles.compute

    def broken(self: Any, task: Any, *rest: Any) -> Any:
        if task.node.profile.identifiers[0].value == "u1":
            raise ValueError("no")
        return compute(self, task, *rest)

    monkeypatch.setattr(ComputedProfiles, "compute", broken)
    world.now += 2 * 3_600_000
    done = await world.step([moment(await world.store.profiles.due(world.now, 9))], source="(time)")

    assert done.failures == []
    assert done.counts["left_out_of_profiles", "engage_default", "computed_error"] == 1
    assert [await world.traits(one) for one in ("u1", "u2")] == [{"hourly": 1}, {"hourly": 0}]
    assert await world.store.profiles.due(world.now, 9) == []


async def test_an_alias_call_joins_what_is_computed() -> None:
    world = Computed(COUNT)
    await world.send(order(user=None, anon="a1"), order(user="u1"))

    assert words(await world.send(alias("u1", "a1"))) == [{"order_count": 2}]


async def test_rules_see_what_the_event_itself_brought_and_so_do_those_that_are_told() -> None:
    world = Computed()
    world.use(rules_of({**COUNT, **SPENT}, BUYERS, snapshot=frozenset({"order_count", "buyers"})))

    done = await world.step([order(), order()])

    counts = [one.event.profile.traits for one in done.envelopes if one.event.profile is not None]
    assert counts[:3] == [{"order_count": 1}] * 3
    assert counts[3:] == [{"order_count": 2, "buyers": True}] * 5
    assert len({one.profile_id for one in done.envelopes}) == 1
