"""What the Profile API tells of a profile, over real HTTP (identity 9)."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.flow.profiles.desk import ROOT, error, get, identify, profiles, send, track

FIFTEEN = {f"t{number:02d}": number for number in range(15)}


async def test_identity_19_traits_come_in_pages_of_ten() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", **FIFTEEN))

        first = (await get(rig, "user_id:u1/traits")).json
        second = (await get(rig, f"user_id:u1/traits?next={first['cursor']['next']}")).json

        assert (len(first["traits"]), first["cursor"]["has_more"], first["cursor"]["limit"]) == (10, True, 10)
        assert {**first["traits"], **second["traits"]} == FIFTEEN
        assert second["cursor"] == {"url": "", "has_more": False, "next": "", "limit": 10}


async def test_the_url_of_a_cursor_is_the_next_page() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", **FIFTEEN))
        first = (await get(rig, "user_id:u1/traits?limit=14&verbose=true")).json

        second = (await get(rig, first["cursor"]["url"], root="")).json

        assert list(second["traits"]) == ["t14"]
        assert second["traits"]["t14"]["value"] == 14


@pytest.mark.parametrize("limit", ["201", "0", "-1", "ten", "1e2", "9" * 5000, "٣", "1.0"])
async def test_identity_20_a_limit_out_of_range_is_refused(limit: str) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", plan="gold"))

        assert error(await get(rig, f"user_id:u1/traits?limit={quote(limit)}")) == (400, "validation_error")


@pytest.mark.parametrize(("endpoint", "most"), [("traits", 200), ("external_ids", 100), ("events", 100)])
async def test_the_greatest_limit_is_taken_and_one_more_is_not(endpoint: str, most: int) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", plan="gold"))

        good = await get(rig, f"user_id:u1/{endpoint}?limit={most}")
        bad = await get(rig, f"user_id:u1/{endpoint}?limit={most + 1}")

        assert good.json["cursor"]["limit"] == most
        assert error(bad) == (400, "validation_error")


async def test_identity_21_an_unknown_identifier_is_not_found() -> None:
    async with profiles() as rig:
        reply = await get(rig, "user_id:nobody/traits")

        assert reply.status == 404
        assert reply.json == {"error": {"code": "not_found", "message": "Profile was not found."}}


async def test_identity_11_null_removes_a_trait_and_empty_text_does_not() -> None:
    async with profiles() as rig:
        first = {**identify("u1", plan="gold", city="Porto"), "timestamp": "2030-03-17T09:00:00Z"}
        then = {**identify("u1", plan=None, city=""), "timestamp": "2030-03-17T10:00:00Z"}
        await send(rig, first, then)

        assert (await get(rig, "user_id:u1/traits")).json["traits"] == {"city": ""}


async def test_identity_12_the_value_of_the_later_timestamp_holds() -> None:
    async with profiles() as rig:
        late = {**identify("u1", plan="new"), "timestamp": "2030-03-17T10:00:00Z"}
        early = {**identify("u1", plan="old"), "timestamp": "2030-03-17T09:00:00Z"}
        await send(rig, late, early)

        assert (await get(rig, "user_id:u1/traits")).json["traits"] == {"plan": "new"}


async def test_identity_16_links_are_listed_from_both_ends() -> None:
    async with profiles() as rig:
        await send(rig, {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}})

        of_user = (await get(rig, "user_id:u1/links")).json
        of_group = (await get(rig, "group_id:g1/links", root=ROOT.replace("users", "accounts"))).json

        assert [(one["to_collection"], one["external_ids"][0]["id"]) for one in of_user["data"]] == [
            ("accounts", "g1")
        ]
        assert [(one["to_collection"], one["external_ids"][0]["id"]) for one in of_group["data"]] == [
            ("users", "u1")
        ]


async def test_a_profile_links_to_twenty_others_at_most() -> None:
    async with profiles() as rig:
        await send(rig, *({"type": "group", "userId": "u1", "groupId": f"g{one}"} for one in range(25)))

        assert len((await get(rig, "user_id:u1/links")).json["data"]) == 20


async def test_an_account_has_traits() -> None:
    async with profiles() as rig:
        await send(rig, {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}})

        reply = await get(rig, "group_id:g1/traits", root=ROOT.replace("users", "accounts"))

        assert reply.json["traits"] == {"name": "Acme"}


async def test_identity_22_a_merged_profile_is_found_as_the_survivor() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"), identify(anon="a1"))
        gone = (await get(rig, "anonymous_id:a1/events")).json["data"][0]["related"]["users"]
        await send(rig, identify("u1", "a1", plan="gold"))

        by_identifier = (await get(rig, "anonymous_id:a1/traits")).json["traits"]
        by_old_id = (await get(rig, f"{gone}/traits")).json["traits"]

        assert by_identifier == by_old_id == {"plan": "gold"}


async def test_the_identifiers_come_in_their_documented_shape() -> None:
    async with profiles() as rig:
        await send(rig, {**identify("u1", "a1"), "messageId": "m1"})

        reply = (await get(rig, "user_id:u1/external_ids?limit=1")).json

        assert reply["data"] == [
            {
                "source_id": "web",
                "collection": "users",
                "id": "u1",
                "type": "user_id",
                "created_at": "2030-03-17T17:46:40.000Z",
                "encoding": "none",
                "first_message_id": "m1",
            }
        ]
        assert reply["cursor"]["has_more"] is True


async def test_identifiers_are_chosen_by_type_and_paged() -> None:
    async with profiles() as rig:
        await send(rig, *(identify("u1", f"a{one}") for one in range(4)))

        first = (await get(rig, "user_id:u1/external_ids?include=anonymous_id&limit=3")).json
        second = (await get(rig, first["cursor"]["url"], root="")).json

        assert [one["id"] for one in first["data"] + second["data"]] == ["a0", "a1", "a2", "a3"]
        assert second["cursor"]["has_more"] is False


async def test_metadata_tells_of_the_first_and_the_last_event() -> None:
    async with profiles() as rig:
        await send(rig, {**identify("u1"), "messageId": "m1"}, {**identify("u1", "a1"), "messageId": "m2"})

        assert (await get(rig, "user_id:u1/metadata")).json == {
            "metadata": {
                "created_at": "2030-03-17T17:46:40.000Z",
                "updated_at": "2030-03-17T17:46:40.000Z",
                "expires_at": None,
                "first_message_id": "m1",
                "first_source_id": "web",
                "last_message_id": "m2",
                "last_source_id": "web",
            }
        }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("include=t03,t01", ["t01", "t03"]),
        ("include=nothing", []),
        ("class=audience", []),
        ("class=computed_trait", []),
        ("limit=2", ["t00", "t01"]),
        ("unknown=1&limit=1", ["t00"]),
        ("limit=&include=&limit=1", ["t00"]),
    ],
)
async def test_traits_are_chosen_by_name_and_class(query: str, names: list[str]) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", **FIFTEEN))

        assert list((await get(rig, f"user_id:u1/traits?{query}")).json["traits"]) == names


async def test_a_verbose_trait_has_its_source_and_time() -> None:
    async with profiles() as rig:
        await send(rig, {**identify("u1", plan={"name": "gold"}), "timestamp": "2030-03-17T10:00:00Z"})

        assert (await get(rig, "user_id:u1/traits?verbose=true")).json["traits"] == {
            "plan": {"value": {"name": "gold"}, "source_id": "web", "updated_at": "2030-03-17T10:00:00.000Z"}
        }


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a+b@x.io", "email:a%2Bb@x.io"),
        ("a+b@x.io", "email:a+b@x.io"),
        ("A.B@X.io", "email:a.b@x.IO"),
        ("A.B@X.io", "EMAIL:a.b@x.io"),
    ],
)
async def test_an_email_is_found_in_any_case_and_encoding(written: str, path: str) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", email=written))

        assert (await get(rig, f"{path}/traits")).json["traits"] == {"email": written}


@pytest.mark.parametrize("user", ["a/b", "a:b", "ü 日", "100%", "?x=1", "a..b", "/", "%2F"])
async def test_any_user_id_is_found_once_it_is_percent_encoded(user: str) -> None:
    async with profiles() as rig:
        await send(rig, identify(user, plan="gold"))

        reply = await get(rig, f"user_id:{quote(user, safe='')}/traits")

        assert reply.json["traits"] == {"plan": "gold"}


async def test_a_user_id_is_compared_exactly() -> None:
    async with profiles() as rig:
        await send(rig, identify("User"))

        assert (await get(rig, "user_id:user/traits")).status == 404


async def test_a_merged_profile_has_the_events_of_both() -> None:
    async with profiles() as rig:
        await send(
            rig, track("One"), {"type": "page", "anonymousId": "a1", "name": "Two"}, identify("u1", "a1")
        )

        events = (await get(rig, "user_id:u1/events")).json["data"]

        assert [(one["type"], one.get("event", one.get("name"))) for one in events] == [
            ("identify", None),
            ("page", "Two"),
            ("track", "One"),
        ]


async def test_an_event_comes_in_its_documented_shape_without_consent() -> None:
    call = track("Paid", properties={"total": 3}, messageId="m1", timestamp="2030-03-17T10:00:00Z")
    context: dict[str, Any] = {"page": {"path": "/"}, "consent": {"categoryPreferences": {"ads": True}}}
    async with profiles() as rig:
        await send(rig, {**call, "context": context})

        [event] = (await get(rig, "user_id:u1/events")).json["data"]

        context = event.pop("context")
        assert context["page"] == {"path": "/"}
        assert "consent" not in context
        assert event["related"].pop("users").startswith("use_")
        assert event == {
            "external_ids": [{"collection": "users", "type": "user_id", "id": "u1", "encoding": "none"}],
            "type": "track",
            "message_id": "m1",
            "source_id": "web",
            "timestamp": "2030-03-17T10:00:00.000Z",
            "event": "Paid",
            "properties": {"total": 3},
            "related": {},
        }


async def test_consent_is_in_no_answer() -> None:
    consent = {"consent": {"categoryPreferences": {"c4n4ry": True}}}
    async with profiles() as rig:
        await send(
            rig, {**identify("u1", "a1", plan="x"), "context": consent}, {**track("A"), "context": consent}
        )

        bodies = [
            (await get(rig, f"user_id:u1/{one}?verbose=true")).body
            for one in ("traits", "external_ids", "events", "metadata", "links")
        ]

        assert b"c4n4ry" not in b"".join(bodies)


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_events_are_paged_in_both_orders(order: str) -> None:
    async with profiles() as rig:
        for one in range(7):
            await send(rig, track(f"E{one}"), track("Noise", user="u2"))
        path, found, sizes = f"{ROOT}user_id:u1/events?limit=3&sort={order}", [], []

        while path:
            page = (await get(rig, path, root="")).json
            found += [one["event"] for one in page["data"]]
            sizes.append(len(page["data"]))
            path = page["cursor"]["url"]

        names = [f"E{one}" for one in range(7)]
        assert found == (names if order == "asc" else names[::-1])
        assert sizes == [3, 3, 1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("include=E1,E3", ["E3", "E1"]),
        ("exclude=E1,E3", ["E4", "E2", "E0"]),
        ("start=2030-03-17T10:02:00Z", ["E4", "E3", "E2"]),
        ("end=2030-03-17T10:02:00Z", ["E1", "E0"]),
        ("start=2030-03-17T10:01:00Z&end=2030-03-17T10:03:00Z", ["E2", "E1"]),
        ("start=2030-03-17T12:01:00%2B02:00&end=2030-03-17T10:03:00.000Z&exclude=E2", ["E1"]),
    ],
)
async def test_events_are_chosen_by_name_and_time(query: str, names: list[str]) -> None:
    async with profiles() as rig:
        for one in range(5):
            await send(rig, track(f"E{one}", timestamp=f"2030-03-17T10:0{one}:00Z"))

        assert [one["event"] for one in (await get(rig, f"user_id:u1/events?{query}")).json["data"]] == names


async def test_identity_23_events_older_than_fourteen_days_are_not_shown() -> None:
    async with profiles() as rig:
        await send(
            rig,
            track("Old", timestamp="2030-03-03T17:46:39Z"),
            track("Young", timestamp="2030-03-03T17:46:41Z"),
        )

        query = "start=2029-01-01T00:00:00Z"
        assert [one["event"] for one in (await get(rig, f"user_id:u1/events?{query}")).json["data"]] == [
            "Young"
        ]


async def test_the_events_of_another_profile_with_the_same_device_are_not_shown() -> None:
    async with profiles() as rig:
        shared = {"anonymousId": "tablet"}
        await send(rig, {**track("Mine"), **shared}, {**track("Theirs", user="u2"), **shared})

        assert [one["event"] for one in (await get(rig, "user_id:u1/events")).json["data"]] == ["Mine"]


async def test_an_account_is_answered_where_its_events_are() -> None:
    async with profiles() as rig:
        await send(rig, {"type": "group", "userId": "u1", "groupId": "g1"})

        reply = await get(rig, "group_id:g1/events", root=ROOT.replace("users", "accounts"))

        assert error(reply) == (400, "invalid_request_error")
        assert "links" in reply.json["error"]["message"]


async def test_a_profile_and_its_events_are_there_after_a_restart() -> None:
    async with profiles() as rig:
        await send(rig, track("Kept"), identify("u1", plan="gold"))
        await rig.restart()

        assert (await get(rig, "user_id:u1/traits")).json["traits"] == {"plan": "gold"}
        assert [one["type"] for one in (await get(rig, "user_id:u1/events")).json["data"]] == [
            "identify",
            "track",
        ]
