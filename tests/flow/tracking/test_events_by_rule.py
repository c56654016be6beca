"""The calls of the spec, each by the number of its rule (events 8), over real HTTP."""

from typing import Any

from router.testing.running import running
from tests.flow.profiles.desk import get, identify, profiles, send
from tests.flow.tracking.client import failed, stored, track


async def refused(call: dict[str, Any]) -> dict[str, int]:
    """Why a call is not kept; the answer is 200."""
    async with running() as rig:
        assert await stored(rig, f"/v1/{call['type']}", call) == []
        return await failed(rig)


async def kept(call: dict[str, Any]) -> dict[str, Any]:
    """What a destination gets of a call."""
    async with running() as rig:
        [event] = await stored(rig, f"/v1/{call['type']}", call)
        return event


async def test_events_01_a_track_call_whose_event_is_a_number_is_dropped() -> None:
    assert await refused(track(event=7)) == {"event_not_string": 1}


async def test_events_02_an_identify_call_whose_traits_are_a_list_is_dropped() -> None:
    assert await refused({"type": "identify", "userId": "u1", "traits": []}) == {"traits_not_object": 1}


async def test_events_03_a_page_may_be_nameless_but_not_have_an_empty_name() -> None:
    assert (await kept({"type": "page", "userId": "u1"}))["type"] == "page"
    assert await refused({"type": "page", "userId": "u1", "name": ""}) == {"name_not_string": 1}


async def test_events_04_a_group_call_needs_a_group_id() -> None:
    assert (await kept({"type": "group", "userId": "u1", "groupId": "g1"}))["groupId"] == "g1"
    assert await refused({"type": "group", "userId": "u1"}) == {"group_id_required": 1}


async def test_events_06_unknown_top_level_fields_are_kept_and_the_write_key_is_not() -> None:
    event = await kept(track(colour="red", writeKey="wk_demo"))

    assert event["colour"] == "red"
    assert "writeKey" not in event


async def test_events_07_null_takes_a_trait_from_the_profile_and_destinations_see_it() -> None:
    async with profiles() as rig:
        await send(rig, {**identify("u1", a=1, b=2), "timestamp": "2030-03-17T09:00:00Z"})
        await send(rig, {**identify("u1", a=None), "timestamp": "2030-03-17T10:00:00Z"})

        assert (await get(rig, "user_id:u1/traits")).json["traits"] == {"b": 2}
        assert rig.delivered[-1]["traits"] == {"a": None}


async def test_events_31_context_traits_of_a_track_call_leave_the_profile_unchanged() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", plan="free"), track(context={"traits": {"plan": "gold"}}))

        assert (await get(rig, "user_id:u1/traits")).json["traits"] == {"plan": "free"}
        assert rig.delivered[-1]["context"]["traits"] == {"plan": "gold"}
