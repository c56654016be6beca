"""The list of all profiles: closed unless the operator opens it, in pages, one space and collection at a time."""

from typing import Any

import pytest

from tests.flow.profiles.desk import CONFIG, error, get, identify, profiles, send, track

SHOP = {**CONFIG["spaces"]["shop"], "list_profiles": True}
OPEN = {"spaces": {**CONFIG["spaces"], "shop": SHOP}}
USERS = "/v1/spaces/shop/collections/users/profiles"


async def test_it_is_closed_by_default() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        assert error(await get(rig, "", root=USERS)) == (404, "not_found")


async def test_profiles_come_in_pages_the_oldest_first() -> None:
    async with profiles(OPEN) as rig:
        for number in range(5):
            await send(rig, identify(f"u{number}", plan="gold"))
        await send(rig, track("Elsewhere", "u9"), key="wk_other")

        first = (await get(rig, "?limit=3", root=USERS)).json
        second = (await get(rig, first["cursor"]["url"], root="")).json

        assert users(first) == ["u0", "u1", "u2"]
        assert users(second) == ["u3", "u4"]
        assert (first["cursor"]["has_more"], second["cursor"]["has_more"]) == (True, False)
        assert set(first["data"][0]) == {"segment_id", "external_ids", "metadata"}
        assert first["data"][0]["segment_id"].startswith("use_")


async def test_accounts_are_listed_too() -> None:
    async with profiles(OPEN) as rig:
        await send(rig, {"type": "group", "userId": "u1", "groupId": "g1", "traits": {}})

        found = (await get(rig, "", root="/v1/spaces/shop/collections/accounts/profiles")).json

        assert users(found) == ["g1"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("?limit=101", (400, "validation_error")),
        ("?limit=0", (400, "validation_error")),
        ("?next=nonsense", (400, "validation_error")),
    ],
)
async def test_what_makes_no_sense_is_refused(path: str, expected: tuple[int, str]) -> None:
    async with profiles(OPEN) as rig:
        assert error(await get(rig, path, root=USERS)) == expected


async def test_another_collection_or_token_gets_nothing() -> None:
    async with profiles(OPEN) as rig:
        strange = await get(rig, "", root="/v1/spaces/shop/collections/cats/profiles")
        other = await get(rig, "", root=USERS, token="pt_club")
        posted = await get(rig, "", root=USERS, method="POST")

        assert error(strange) == (404, "not_found")
        assert error(other) == (401, "authentication_error")
        assert (error(posted)[0], posted.headers["allow"]) == (405, "GET")


def users(page: Any) -> list[str]:
    return [one["external_ids"][0]["id"] for one in page["data"]]
