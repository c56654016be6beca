"""Traits and consent of profiles, by the numbered rules of the identity specification."""

from typing import Any

from msgspec.structs import replace

from router.rules.identity.space_rules import SpaceRules
from tests.unit.identity.worlds import START, World, identify, shape, track


async def test_identity_11_null_removes_a_trait_and_nothing_empties_it() -> None:
    world = World()
    await world.take(identify(user="u1", traits={"plan": "gold", "city": "Porto"}))

    await world.take(identify(user="u1", traits={"plan": None}, at=START + 1))
    assert await world.traits("u1") == {"city": "Porto"}
    await world.take(identify(user="u1", traits={"plan": ""}, at=START + 2))
    assert await world.traits("u1") == {"city": "Porto", "plan": ""}


async def test_identity_12_the_later_timestamp_wins() -> None:
    world = World()

    await world.take(identify(user="u1", traits={"plan": "new", "age": 3}, at=START))
    await world.take(identify(user="u1", traits={"plan": "old", "city": "Porto"}, at=START - 1))

    assert await world.traits("u1") == {"plan": "new", "age": 3, "city": "Porto"}


async def test_a_removed_trait_does_not_come_back_with_a_late_event() -> None:
    world = World()

    await world.take(identify(user="u1", traits={"plan": None}, at=START))
    world.begin()
    await world.take(identify(user="u1", traits={"plan": "old"}, at=START - 1))

    assert await world.traits("u1") == {}


async def test_ties_of_timestamps_go_to_the_later_receipt_then_the_greater_message_id() -> None:
    world = World()

    await world.take(identify(user="u1", traits={"plan": 1, "city": 1}, id="m-b"))
    await world.take(identify(user="u1", traits={"plan": 2}, id="m-a"))
    world.now += 1
    await world.take(identify(user="u1", traits={"city": 2}, id="m-a"))

    assert await world.traits("u1") == {"plan": 1, "city": 2}


async def test_identity_13_merged_profiles_keep_the_newer_of_each_trait() -> None:
    world = World()
    await world.take(identify(anon="a1", traits={"plan": "new", "left": 1}, at=START))
    await world.take(identify(user="u1", traits={"plan": "old", "right": 2}, at=START - 1))
    world.begin()

    await world.take(track(user="u1", anon="a1"))

    assert await world.traits("u1") == {"plan": "new", "left": 1, "right": 2}
    assert await world.shape() == shape("u1 a1")


async def test_identity_18_an_event_with_more_than_300_traits_is_left_out() -> None:
    world = World()
    many = {f"t{number}": number for number in range(301)}

    done = await world.step([identify(user="u1", traits=many), track(user="u1", properties=many)])

    assert [one.profile_id for one in done.envelopes] == [None, None]
    del many["t0"]
    await world.take(identify(user="u1", traits=many))
    assert len(await world.traits("u1")) == 300


async def test_names_of_traits_take_room_too() -> None:
    world = World()
    for number in range(10):
        await world.take(
            identify(user="u1", traits={f"{number}{'x' * 10_000}": None if number % 2 else number})
        )

    owner = await world.owner("u1")
    assert owner is not None
    [traits] = await world.store.profiles.traits([owner.id])
    assert len(traits.values) == 6


async def test_identity_26_consent_is_kept_whole() -> None:
    world = World()

    async def say(consent: Any, at: int) -> dict[str, bool]:
        context = {} if consent is None else {"consent": consent}
        await world.take(
            track(event="Segment Consent Preference Updated", user="u1", context=context, at=START + at)
        )
        owner = await world.owner("u1")
        assert owner is not None
        return (await world.store.profiles.traits([owner.id]))[0].consent

    await say({"categoryPreferences": {"ads": True, "stats": True}}, 1)
    assert await say({}, 2) == {"ads": True, "stats": True}
    assert await say(None, 3) == {"ads": True, "stats": True}
    assert await say({"categoryPreferences": {"ads": True}}, 4) == {"ads": True, "stats": False}
    assert await say({"categoryPreferences": {}}, 5) == {"ads": False, "stats": False}
    assert await say({"categoryPreferences": {"ads": True}}, 4) == {"ads": False, "stats": False}


async def test_however_many_categories_are_named_a_profile_knows_a_bounded_number() -> None:
    world = World()
    for round_ in range(4):
        given = {"ads": True, **{f"c{round_}-{number}": False for number in range(50)}, "x" * 35: True}
        context = {"consent": {"categoryPreferences": given}}
        await world.take(
            *(
                track(
                    event="Segment Consent Preference Updated", anon=who, context=context, at=START + round_
                )
                for who in ("a1", "a2")
            )
        )
    await world.take(identify(anon="a1", traits={"email": "e"}), identify(anon="a2", traits={"email": "e"}))

    owner = await world.owner("a1", "anonymous_id")
    assert owner is not None
    [traits] = await world.store.profiles.traits([owner.id])
    assert len(traits.consent) == 100
    assert {name for name, is_allowed in traits.consent.items() if is_allowed} == {"ads"}


async def test_consent_of_another_event_changes_nothing() -> None:
    world = World()
    [profile] = await world.take(
        track(user="u1", context={"consent": {"categoryPreferences": {"ads": True}}})
    )

    assert (await world.store.profiles.traits([profile or ""]))[0].consent == {}


async def test_a_merge_keeps_the_newer_consent_and_denies_what_it_does_not_name() -> None:
    world = World()
    for at, who, given in ((1, "a1", {"ads": True, "old": True}), (2, "a2", {"ads": True, "new": True})):
        context = {"consent": {"categoryPreferences": given}}
        await world.take(
            track(event="Segment Consent Preference Updated", anon=who, context=context, at=START + at)
        )
    await world.take(identify(anon="a1", traits={"email": "e"}), identify(anon="a2", traits={"email": "e"}))

    owner = await world.owner("a1", "anonymous_id")
    assert owner is not None
    [traits] = await world.store.profiles.traits([owner.id])
    assert traits.consent == {"ads": True, "old": False, "new": True}


async def test_a_time_without_a_zone_is_no_trait() -> None:
    world = World()

    await world.take(identify(user="u1", traits={"seen": "2030-01-01T10:00:00", "day": "2030-01-01"}))
    assert await world.traits("u1") == {"day": "2030-01-01"}


async def test_context_traits_are_traits_where_that_is_asked_for() -> None:
    event = track(user="u1", context={"traits": {"plan": "gold", "email": "E@x.io"}})
    plain, asked = World(), World(SpaceRules(context_traits=True))
    await plain.take(event)
    await asked.take(replace(event))

    assert await plain.traits("u1") == {}
    assert await asked.traits("u1") == {"plan": "gold", "email": "E@x.io"}
    assert await plain.shape() == {frozenset({"user_id:u1", "email:e@x.io"})}
