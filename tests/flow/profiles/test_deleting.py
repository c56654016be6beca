"""Deleting one identifier of a profile over real HTTP (identity 10)."""

import asyncio
from typing import Any

import pytest

from router.config.load import load
from router.telemetry.happenings import ProfileEdited
from router.telemetry.signals import Signal
from tests.flow.profiles.desk import CONFIG, ROOT, delete, error, get, identify, profiles, send, track


async def ids(rig: Any, path: str = "user_id:u1") -> list[str]:
    entries = (await get(rig, f"{path}/external_ids?limit=100")).json["data"]
    return [f"{one['type']}:{one['id']}" for one in entries]


async def test_a_deleted_identifier_leads_nowhere() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", email="old@x.io"))

        reply = await delete(rig, "user_id:u1", ("email", "old@x.io"))

        assert (reply.status, reply.json["code"]) == (200, "success")
        assert await ids(rig) == ["user_id:u1"]
        assert (await get(rig, "email:old@x.io/traits")).status == 404


async def test_traits_and_events_stay() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", email="old@x.io", plan="gold"), track("Paid"))

        await delete(rig, "user_id:u1", ("email", "old@x.io"))

        assert (await get(rig, "user_id:u1/traits?include=plan")).json["traits"] == {"plan": "gold"}
        assert len((await get(rig, "user_id:u1/events")).json["data"]) == 2


async def test_a_deleted_identifier_is_somebody_elses_when_it_comes_again() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", "tablet"))
        await delete(rig, "user_id:u1", ("anonymous_id", "tablet"))

        await send(rig, identify("u2", "tablet"))

        assert await ids(rig) == ["user_id:u1"]
        assert await ids(rig, "anonymous_id:tablet") == ["user_id:u2", "anonymous_id:tablet"]


async def test_an_identifier_of_a_merged_profile_is_deleted_for_good() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"), identify(anon="a1"))
        await send(rig, identify("u1", "a1"))
        await delete(rig, "user_id:u1", ("anonymous_id", "a1"))
        await rig.restart()

        assert await ids(rig) == ["user_id:u1"]
        assert (await get(rig, "anonymous_id:a1/traits")).status == 404


async def test_identity_27_the_only_user_id_is_kept() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", "a1"))

        reply = await delete(rig, "user_id:u1", ("user_id", "u1"))

        assert error(reply) == (400, "bad_request")
        assert "user_id:u1" in await ids(rig)


async def test_one_of_two_user_ids_is_deleted() -> None:
    config = {"identity": {"limits": {"user_id": {"count": 2}}}}
    async with profiles(config) as rig:
        await send(rig, identify("u1", email="e@x.io"), identify("u2", email="e@x.io"))

        reply = await delete(rig, "user_id:u1", ("user_id", "u2"))

        assert reply.status == 200
        assert await ids(rig) == ["user_id:u1", "email:e@x.io"]


@pytest.mark.parametrize(
    ("user", "body", "answer"),
    [
        (
            "user_id:u1",
            {"delete_external_ids": [{"type": "group_id", "id": "g1"}]},
            (400, "unsupported_eid_type"),
        ),
        ("user_id:u1", {"delete_external_ids": [{"type": "email", "id": "no@x.io"}]}, (404, "eid_not_found")),
        (
            "user_id:u1",
            {"delete_external_ids": [{"type": "anonymous_id", "id": "A1"}]},
            (404, "eid_not_found"),
        ),
        ("user_id:u1", {"delete_external_ids": []}, (400, "bad_request")),
        ("user_id:u1", {"delete_external_ids": [{"type": "email", "id": "a"}] * 2}, (400, "bad_request")),
        ("user_id:u1", {"delete_external_ids": {"type": "email", "id": "a"}}, (400, "bad_request")),
        ("user_id:u1", {"delete_external_ids": [{"type": "email"}]}, (400, "bad_request")),
        ("user_id:u1", {"delete_external_ids": [{"type": "email", "id": 7}]}, (400, "bad_request")),
        ("user_id:u1", {}, (400, "bad_request")),
        ("user_id:u1", b"", (400, "bad_request")),
        ("user_id:u1", b"{", (400, "bad_request")),
        ("user_id:u1", b"\xff\xfe", (400, "bad_request")),
        ("user_id:u1", b"[" * 100_000, (400, "bad_request")),
        ("anonymous_id:a1", {"delete_external_ids": [{"type": "email", "id": "a"}]}, (400, "bad_request")),
        ("user_id:", {"delete_external_ids": [{"type": "email", "id": "a"}]}, (400, "bad_request")),
        ("user_id:nobody", {"delete_external_ids": [{"type": "email", "id": "a"}]}, (404, "not_found")),
    ],
)
async def test_what_cannot_be_deleted_is_refused_and_kept(
    user: str, body: Any, answer: tuple[int, str]
) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", "a1"))

        reply = await delete(rig, user, body=body)

        assert error(reply) == answer
        assert await ids(rig) == ["user_id:u1", "anonymous_id:a1"]


async def test_identifiers_of_accounts_are_not_deleted() -> None:
    async with profiles() as rig:
        root = ROOT.replace("users", "accounts")

        assert error(await delete(rig, "user_id:u1", ("email", "a"), root=root)) == (400, "bad_request")


async def test_a_space_that_forbids_it_answers_403_and_a_wrong_token_401() -> None:
    async with profiles() as rig:
        root = ROOT.replace("shop", "club")

        forbidden = await delete(rig, "user_id:u1", ("email", "a"), token="pt_club", root=root)
        unknown = await delete(rig, "user_id:u1", ("email", "a"), token="wrong")

        assert error(forbidden) == (403, "forbidden")
        assert error(unknown) == (401, "unauthorized")


async def test_a_get_deletes_nothing() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", "a1"))

        reply = await get(rig, "user_id:u1/external_ids/delete")

        assert (error(reply), reply.headers["allow"]) == ((405, "invalid_request_error"), "POST")


async def test_a_deletion_is_told_without_the_value() -> None:
    async with profiles() as rig:
        heard: list[Signal] = []
        await send(rig, identify("u1", email="c4n4ry@x.io"))
        rig.signals.observe(heard.append)

        await delete(rig, "user_id:u1", ("email", "c4n4ry@x.io"))

        [told] = [one for one in heard if isinstance(one, ProfileEdited)]
        assert (told.act, told.by, told.profile[:4]) == ("take_away", "profile_api", "use_")
        assert "c4n4ry" not in repr(told)


async def test_the_same_deletion_twice_at_once_is_done_once() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", email="old@x.io"))

        replies = await asyncio.gather(*(delete(rig, "user_id:u1", ("email", "old@x.io")) for _ in range(5)))

        assert sorted(one.status for one in replies) == [200, 404, 404, 404, 404]


async def test_deletions_and_events_of_the_same_profile_do_not_disturb_each_other() -> None:
    async with profiles() as rig:
        await send(rig, *(identify("u1", f"a{one}") for one in range(5)))

        replies = await asyncio.gather(
            *(delete(rig, "user_id:u1", ("anonymous_id", f"a{one}")) for one in range(5)),
            *(send(rig, track(f"E{one}")) for one in range(5)),
        )

        assert [one.status for one in replies if one is not None] == [200] * 5
        assert await ids(rig) == ["user_id:u1"]
        assert len((await get(rig, "user_id:u1/events?include=E0,E1,E2,E3,E4")).json["data"]) == 5


async def test_tokens_and_rights_follow_a_reload() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))
        spaces = {**CONFIG["spaces"], "shop": {"tokens": ["pt_new"]}}
        await rig.router.reload(load({**rig.config, "spaces": spaces}, registry=rig.router.registry))

        assert (await get(rig, "user_id:u1/traits")).status == 401
        assert error(await delete(rig, "user_id:u1", ("email", "a"), token="pt_new")) == (403, "forbidden")
