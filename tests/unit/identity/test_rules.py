"""The numbered rules of the identity specification, on a graph in memory."""

from typing import Any

import pytest

from router.rules.fql.filter import compile_filter
from router.rules.identity.limit import Limit
from router.rules.identity.space_rules import SpaceRules
from router.storage.profile import Link
from tests.unit.identity.worlds import (
    START,
    World,
    alias,
    external,
    group,
    identify,
    page,
    shape,
    told,
    track,
)

DAY = 86_400_000


def device(kind: str, *, tracking: bool = True) -> dict[str, Any]:
    return {
        "device": {
            "type": kind,
            "id": "d1",
            "advertisingId": "ad1",
            "token": "t1",
            "adTrackingEnabled": tracking,
        }
    }


async def test_identity_01_an_anonymous_event_makes_one_profile() -> None:
    world = World()

    [profile] = await world.take(track(anon="a1"))

    assert await world.graph() == {profile: {"anonymous_id:a1"}}
    assert [one.kind for one in await world.log()] == ["created", "mapped"]


async def test_identity_03_the_same_event_twice_changes_nothing() -> None:
    world = World()
    traits = {"email": "U@x.io", "plan": "gold"}
    first = await world.take(identify(user="u1", anon="a1", traits=traits))
    before, log = await world.graph(), await world.log()

    assert await world.take(identify(user="u1", anon="a1", traits=traits)) == first
    assert await world.graph() == before
    assert await world.log() == log


async def test_identity_04_zeroes_and_dashes_are_nobody() -> None:
    world = World()

    done = await world.step([track(user="000-00")])

    assert done.envelopes[0].profile_id is None
    assert done.envelopes[0].event.user_id == "000-00"
    assert await world.graph() == {}
    assert done.counts["left_out_of_profiles", "website", "blocked_identifier"] == 1


@pytest.mark.parametrize("value", ["-1", "null", " NULL ", "Anonymous", "0000", "---"])
async def test_suggested_values_are_blocked(value: str) -> None:
    world = World()

    assert await world.take(track(user=value)) == [None]


async def test_identity_05_an_unknown_type_is_added_by_itself() -> None:
    world = World()

    await world.take(track(user="u1", context={"externalIds": [external("f1", "foo_id")]}))

    assert await world.graph() == {
        (await world.owner("u1")).id: {"user_id:u1", "foo_id:f1"}  # type: ignore[union-attr]
    }
    assert ("users", "foo_id") in await world.store.profiles.types("default")
    rules = SpaceRules()
    assert rules.limit("foo_id") == Limit(5, "ever")
    types = ["ios.id", "foo_id", "anonymous_id", "email", "user_id"]
    assert sorted(types, key=rules.rank) == ["user_id", "email", "anonymous_id", "foo_id", "ios.id"]


async def test_identity_06_a_bare_trait_is_no_identifier() -> None:
    world = World()

    await world.take(
        identify(user="u1", traits={"foo_id": "f1"}), track(user="u1", properties={"foo_id": "f"})
    )

    assert await world.shape() == {frozenset({"user_id:u1"})}


async def test_identity_07_a_configured_type_is_found_in_both_spellings() -> None:
    world = World(SpaceRules(custom_types=("shopify_id",)))

    await world.take(
        track(user="u1", properties={"shopifyId": "s1"}),
        identify(user="u2", traits={"shopify_id": 22}),
        page(user="u3", context={"traits": {"shopifyId": "s3"}}),
    )

    assert await world.shape() == {
        frozenset({"user_id:u1", "shopify_id:s1"}),
        frozenset({"user_id:u2", "shopify_id:22"}),
        frozenset({"user_id:u3", "shopify_id:s3"}),
    }


async def test_identity_08_an_advertising_id_counts_where_tracking_is_allowed() -> None:
    world = World()

    await world.take(track(context=device("iOS", tracking=False)))
    assert await world.shape() == {frozenset({"ios.id:d1", "ios.push_token:t1"})}
    await world.take(track(context=device("android")))
    assert (await world.owner("ad1", "android.idfa")) is not None


async def test_identity_09_old_values_leave_the_window() -> None:
    world = World(SpaceRules(limits={"anonymous_id": Limit(5, "weekly")}))
    for number in range(5):
        await world.take(track(user="u1", anon=f"a{number}"))
    world.now += 7 * DAY - 1
    await world.take(track(user="u1", anon="early"))
    assert await world.owner("early", "anonymous_id") is None
    world.now += 1

    await world.take(track(user="u1", anon="a5"))

    assert await world.shape() == shape("u1 a0 a1 a2 a3 a4 a5")


async def test_identity_10_a_full_profile_takes_no_more() -> None:
    world = World(SpaceRules(limits={"loyalty_id": Limit(10_000)}))
    for first in range(0, 999, 333):
        ids = [external(f"L{number}") for number in range(first, first + 333)]
        await world.take(track(user="u1", context={"externalIds": ids}))
    full = await world.owner("u1")
    assert full is not None
    assert len(full.identifiers) == 1000

    done = await world.step([track(user="u1", context={"externalIds": [external("one more")]})])

    assert done.envelopes[0].profile_id == full.id
    assert await world.owner("one more", "loyalty_id") is None
    assert done.counts["left_out_of_profiles", "website", "mapping"] == 1


async def test_identity_14_alias_may_be_switched_off() -> None:
    world = World(SpaceRules(alias_merges=False))
    await world.take(track(anon="a1"), track(user="u1"))
    before = await world.graph()

    assert await world.take(alias("u1", "a1")) == [None]
    assert await world.graph() == before


async def test_identity_15_alias_joins_within_the_limits() -> None:
    world = World()
    await world.take(track(anon="a1"), track(user="u1"))
    await world.take(track(user="u9", anon="a9"), track(user="u2"))

    await world.take(alias("u1", "a1"))
    done = await world.step([alias("u2", "a9")])

    assert await world.shape() == shape("u1 a1", "u9 a9", "u2")
    assert done.counts["left_out_of_profiles", "website", "alias_conflict"] == 1
    assert done.envelopes[0].profile_id == (await world.owner("u2")).id  # type: ignore[union-attr]


async def test_an_alias_of_a_former_user_id_is_limited_like_any_other() -> None:
    world = World(SpaceRules(limits={"user_id": Limit(2)}))
    await world.take(track(user="old"), track(user="new"))

    await world.take(alias("new", "old"))

    assert await world.shape() == {frozenset({"user_id:old", "user_id:new"})}


async def test_aliases_in_a_circle_end() -> None:
    world = World(SpaceRules(limits={"user_id": Limit(9)}))

    await world.take(alias("u1", "u2"), alias("u2", "u3"), alias("u3", "u1"), alias("u1", "u1"))

    owners = [await world.owner(f"u{number}") for number in (1, 2, 3)]
    assert all(owners)


async def test_identity_16_a_group_call_links_user_and_account() -> None:
    world = World()

    [profile] = await world.take(group("g1", user="u1", traits={"plan": "team", "email": "x@y.z"}))

    account = await world.owner("g1", "group_id", collection="accounts")
    assert account is not None
    assert profile is not None
    links = [Link(profile, account.id, START)]
    assert await world.store.profiles.links(profile, limit=9) == links
    assert await world.store.profiles.links(account.id, limit=9) == links
    assert await world.traits("g1", "group_id", collection="accounts") == {"plan": "team", "email": "x@y.z"}
    assert await world.traits("u1") == {}
    assert await world.shape() == {frozenset({"user_id:u1"})}


async def test_a_link_is_told_once() -> None:
    world = World()

    await world.take(group("g1", user="u1"), group("g1", user="u1"))
    world.begin()
    await world.take(group("g1", user="u1"))

    assert len(await world.log("linked")) == 1


async def test_an_event_of_an_account_makes_the_account_and_no_link() -> None:
    world = World()

    await world.take(track(user="u1", context={"groupId": "g1"}))

    assert await world.shape(collection="accounts") == {frozenset({"group_id:g1"})}
    assert await world.log("linked") == []


@pytest.mark.parametrize("id", [" ", "g" * 501])
async def test_identity_17_a_group_without_a_usable_id_is_left_out(id: str) -> None:
    world = World()

    done = await world.step([group(id, user="u1"), track(user="u1", context={"groupId": id})])

    assert await world.graph() == {}
    assert await world.graph(collection="accounts") == {}
    assert [one.profile_id for one in done.envelopes] == [None, None]
    assert done.counts["left_out_of_profiles", "website", "group_id"] == 2


async def test_identity_22_identifiers_of_a_merged_profile_lead_to_the_survivor() -> None:
    world = World()
    [gone] = await world.take(track(user="u1"))
    world.now -= 1
    [survivor] = await world.take(track(anon="a1"))
    await world.take(track(user="u1", anon="a1"))

    assert (await world.owner("u1")).id == survivor  # type: ignore[union-attr]
    [found] = await world.store.profiles.read([gone or ""])
    assert found is not None
    assert found.id == survivor


async def test_identity_25_an_event_that_a_filter_matches_stays_out() -> None:
    world = World(SpaceRules(filters=(compile_filter('event = "Beat"'), compile_filter('type = "page"'))))

    done = await world.step([track(user="u1", event="Beat"), page(user="u2"), track(user="u3")])

    assert len(done.envelopes) == 3
    assert await world.shape() == {frozenset({"user_id:u3"})}
    assert done.counts["left_out_of_profiles", "website", "filter"] == 2


async def test_identity_28_a_merge_is_told_for_all_that_went_before() -> None:
    world = World()
    ids = []
    for number in (1, 2, 3):
        world.now += 1
        ids += await world.take(track(anon=f"a{number}"))
    await world.take(identify(anon="a2", traits={"email": "e"}), identify(anon="a3", traits={"email": "e"}))
    await world.take(identify(anon="a1", traits={"email": "e"}))

    merges = [(one.profile, told(one.data)["into"]) for one in await world.log("merged")]
    assert merges == [(ids[2], ids[1]), (ids[1], ids[0]), (ids[2], ids[0])]


async def test_identity_29_tightened_limits_touch_nobody() -> None:
    world = World()
    for number in range(5):
        await world.take(track(user="u1", anon=f"a{number}"))
    before = await world.graph()
    world.use(SpaceRules(limits={"anonymous_id": Limit(2)}))

    await world.take(track(user="u1", anon="a0"), track(user="u1", anon="new"))

    assert await world.graph() == before
    assert await world.owner("new", "anonymous_id") is None


async def test_identity_30_two_events_of_one_step_make_one_profile() -> None:
    world = World()

    first, second = await world.take(track(anon="a1"), track(anon="a1"))

    assert first == second
    assert await world.shape() == shape("a1")


async def test_every_workspace_has_a_space_of_its_own() -> None:
    world = World()

    [mine] = await world.take(track(user="u1"), source="website")
    [same] = await world.take(track(user="u1"), source="app")
    [other] = await world.take(track(user="u1"), source="shop")

    assert mine == same != other


async def test_a_source_without_a_space_has_no_profiles() -> None:
    world = World()

    assert await world.take(track(user="u1"), source="unknown") == [None]


async def test_the_cross_domain_id_of_analytics_js_joins_visits_where_it_is_switched_on() -> None:
    """It sends the id in `context.traits` of every call, under a name in camel case, and in the traits of identify."""
    shared = {"traits": {"crossDomainId": "x-1"}}
    off, on = World(), World(SpaceRules(custom_types=("cross_domain_id",)))
    for world in (off, on):
        await world.take(page(anon="a1", context=shared))
        await world.take(page(anon="a2", context=shared))
        await world.take(identify(anon="a3", traits={"crossDomainId": "x-1"}))

    assert await off.shape() == shape("a1", "a2", "a3")
    assert await on.shape() == shape("a1 a2 a3 x-1")
