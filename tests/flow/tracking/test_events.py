"""What is wrong with a single event is counted, never answered: every reason code (tracking-api 6.2)."""

from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, failed, stored, track

CONSENT = "Segment Consent Preference Updated"


def consent(context: Any) -> dict[str, Any]:
    return track(event=CONSENT, context=context)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("no_user_anon_id", {"type": "track", "event": "E"}),
    ("no_user_anon_id", {"type": "track", "event": "E", "userId": None, "anonymousId": None}),
    ("no_user_anon_id", {"type": "group", "groupId": "g1"}),
    ("id_required", {"type": "alias", "previousId": "p1"}),
    ("id_required", {"type": "alias", "previousId": "p1", "anonymousId": "a1"}),
    ("id_not_string", track(userId=42)),
    ("id_not_string", track(userId="")),
    ("id_not_string", track(userId="", anonymousId="")),
    ("id_not_string", track(userId={})),
    ("id_not_string", track(userId=True)),
    ("id_not_string", track(anonymousId=42)),
    ("id_not_string", track(anonymousId=["a1"])),
    ("event_not_defined", {"type": "track", "userId": "u1"}),
    ("event_not_defined", track(event=None)),
    ("event_not_string", track(event=42)),
    ("event_not_string", track(event={})),
    ("properties_not_object", track(properties="text")),
    ("properties_not_object", track(properties=[])),
    ("properties_not_object", track(properties=42)),
    ("properties_not_object", {"type": "page", "userId": "u1", "properties": True}),
    ("properties_not_object", {"type": "screen", "userId": "u1", "properties": []}),
    ("traits_not_object", {"type": "identify", "userId": "u1", "traits": "text"}),
    ("traits_not_object", {"type": "group", "userId": "u1", "groupId": "g1", "traits": []}),
    ("name_not_string", {"type": "page", "userId": "u1", "name": ""}),
    ("name_not_string", {"type": "page", "userId": "u1", "name": 42}),
    ("name_not_string", {"type": "screen", "userId": "u1", "name": {}}),
    ("category_not_string", {"type": "page", "userId": "u1", "category": ""}),
    ("category_not_string", {"type": "screen", "userId": "u1", "category": 42}),
    ("group_id_required", {"type": "group", "userId": "u1"}),
    ("group_id_required", {"type": "group", "userId": "u1", "groupId": None}),
    ("group_id_required", {"type": "group", "userId": "u1", "groupId": ""}),
    ("previous_id_required", {"type": "alias", "userId": "u1"}),
    ("previous_id_required", {"type": "alias", "userId": "u1", "previousId": None}),
    ("message_id_too_long", track(messageId="m" * 101)),
    ("message_id_too_long", track(messageId=int("1" * 101))),
    ("consent_categorypreferences_should_exist", track(event=CONSENT)),
    ("consent_categorypreferences_should_exist", consent({})),
    ("consent_categorypreferences_should_exist", consent({"consent": {}})),
    ("consent_categorypreferences_should_exist", consent({"consent": {"categoryPreferences": None}})),
    (
        "consent_categorypreferences_fields_should_be_object",
        consent({"consent": {"categoryPreferences": []}}),
    ),
    (
        "consent_categorypreferences_fields_should_be_object",
        consent({"consent": {"categoryPreferences": "a"}}),
    ),
    (
        "consent_categorypreferences_fields_should_be_bool",
        consent({"consent": {"categoryPreferences": {"a": 1}}}),
    ),
    (
        "consent_version_should_be_number",
        consent({"consent": {"categoryPreferences": {"a": True}, "version": "2"}}),
    ),
    (
        "device_advertisingid_should_be_string",
        consent({"consent": {"categoryPreferences": {"a": True}}, "device": {"advertisingId": 42}}),
    ),
]
ONLY_IN_A_BATCH: list[tuple[str, Any]] = [
    ("invalid_type", {"userId": "u1", "event": "E"}),
    ("invalid_type", track(type="Track")),
    ("invalid_type", track(type="TRACK")),
    ("invalid_type", track(type="delete")),
    ("invalid_type", track(type=None)),
    ("invalid_type", track(type=42)),
    ("invalid_type", track(type="")),
    ("invalid_event", None),
    ("invalid_event", "text"),
    ("invalid_event", 42),
    ("invalid_event", []),
    ("invalid_event", True),
]
KEPT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (track(userId=None, anonymousId="a1"), {"anonymousId": "a1"}),
    (track(userId="", anonymousId="a1"), {"anonymousId": "a1"}),
    (track(anonymousId=""), {"userId": "u1"}),
    (track(anonymousId=None), {"userId": "u1"}),
    (track(properties=None), {"event": "E"}),
    (track(event=""), {"event": ""}),
    (track(timestamp=None, sentAt=None, messageId=None, context=None, integrations=None), {"event": "E"}),
    (track(channel=None, version=None, _metadata=None), {"event": "E"}),
    (track(email="a@shop.test", version=7), {"email": "a@shop.test", "version": 2}),
    (track(channel="server"), {"channel": "server"}),
    (track(channel=42), {"channel": 42}),
    (track(messageId=42), {"messageId": "42"}),
    (track(timestamp=True, sentAt=[]), {"event": "E"}),
    (track(timestamp={}, sentAt={}), {"event": "E"}),
    (track(context="text", integrations=42), {"context": {}, "integrations": {}}),
    (track(context=[], integrations=[]), {"context": {}, "integrations": {}}),
    ({"type": "identify", "userId": "u1", "traits": None}, {"type": "identify"}),
    ({"type": "page", "userId": "u1", "name": None, "category": None}, {"type": "page"}),
    ({"type": "group", "userId": "u1", "groupId": 42}, {"groupId": "42"}),
    ({"type": "alias", "userId": "u1", "previousId": 7}, {"previousId": "7"}),
    (
        consent({"consent": {"categoryPreferences": {"a": True, "b": False}, "version": 2}}),
        {"event": CONSENT},
    ),
    (consent({"consent": {"categoryPreferences": {}}, "device": {"advertisingId": "x"}}), {"event": CONSENT}),
    (track(context={"consent": {"categoryPreferences": 42}}), {"event": "E"}),
]


@pytest.mark.parametrize(("reason", "call"), REFUSED)
async def test_a_bad_call_is_answered_with_success_and_counted(reason: str, call: dict[str, Any]) -> None:
    async with running() as rig:
        events = await stored(rig, f"/v1/{call['type']}", call)

        assert (events, await failed(rig)) == ([], {reason: 1})


@pytest.mark.parametrize(("reason", "member"), REFUSED + ONLY_IN_A_BATCH)
async def test_a_bad_member_of_a_batch_is_dropped_and_the_others_are_stored(reason: str, member: Any) -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/batch", {"batch": [track(), member, track()]})

        assert (len(events), await failed(rig)) == (2, {reason: 1, "multi_user_error": 1})


@pytest.mark.parametrize(("call", "fields"), KEPT)
async def test_an_unusual_call_is_kept(call: dict[str, Any], fields: dict[str, Any]) -> None:
    async with running() as rig:
        [event] = await stored(rig, f"/v1/{call['type']}", call)

    assert fields.items() <= event.items()


@pytest.mark.parametrize(("call", "fields"), KEPT)
async def test_an_unusual_member_of_a_batch_is_kept(call: dict[str, Any], fields: dict[str, Any]) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", {"batch": [call]})

    assert fields.items() <= event.items()


async def test_tracking_12_a_nameless_track_is_dropped_and_the_good_one_stored() -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/batch", {"batch": [track(), {"type": "track", "userId": "u1"}]})

        assert (len(events), (await failed(rig))["event_not_defined"]) == (1, 1)


async def test_tracking_13_an_event_without_ids_is_dropped() -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/track", {"event": "E"})

        assert (events, await failed(rig)) == ([], {"no_user_anon_id": 1})


async def test_tracking_14_a_number_as_user_id_is_dropped() -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/track", track(userId=42))

        assert (events, await failed(rig)) == ([], {"id_not_string": 1})


async def test_tracking_15_no_user_id_beside_an_anonymous_id_is_stored() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(userId=None, anonymousId="a1"))

    assert event["anonymousId"] == "a1"
    assert event.get("userId") is None


async def test_tracking_16_a_page_without_name_and_category_is_stored() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/page", {"userId": "u1", "name": None, "category": None})

    assert event.get("name") is event.get("category") is None


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
async def test_tracking_17_an_empty_batch_is_counted(path: str) -> None:
    async with running() as rig:
        events = await stored(rig, path, {"batch": []})

        assert (events, await failed(rig)) == ([], {"empty_batch": 1})


@pytest.mark.parametrize("count", [1, 3])
async def test_a_batch_of_bad_events_is_counted(count: int) -> None:
    async with running() as rig:
        await ask(rig, "/v1/batch", {"batch": [{}] * count})

        assert await failed(rig) == {"invalid_type": count, "empty_batch_result": 1}


async def test_a_bad_single_call_with_a_key_in_its_body_is_no_batch() -> None:
    async with running() as rig:
        await ask(rig, "/v1/track", {"userId": "u1", "writeKey": "wk_demo"}, headers={})

        assert await failed(rig) == {"event_not_defined": 1}


@pytest.mark.parametrize("value", [{}, [], True, "", None, 1.5])
async def test_a_message_id_of_another_kind_gets_a_fresh_one(value: Any) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(messageId=value))

    assert event["messageId"] == "1.5" if value == 1.5 else len(event["messageId"]) == 36


async def test_nothing_is_refused_because_of_fields_that_only_the_router_writes() -> None:
    call = track(receivedAt="2001-01-01T00:00:00Z", originalTimestamp="2002-01-01T00:00:00Z", version="old")
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", call)

    assert not event["receivedAt"].startswith("2001")


async def test_the_example_of_the_specification_behaves_as_it_says() -> None:
    body = {
        "writeKey": "wk_demo",
        "sentAt": "2030-05-01T10:00:05.000Z",
        "context": {"app": {"name": "Shop"}},
        "batch": [
            {"type": "identify", "userId": "u1", "traits": {"email": "a@shop.test"}, "messageId": "m-1"},
            {
                "type": "track",
                "userId": "u1",
                "event": "E",
                "properties": {"total": 12.5},
                "messageId": "m-2",
            },
            {"type": "track", "userId": "u1", "messageId": "m-3"},
        ],
    }
    async with running() as rig:
        events = await stored(rig, "/v1/batch", body, headers=DEMO)

    assert [event["messageId"] for event in events] == ["m-1", "m-2"]
