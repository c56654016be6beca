"""Whom the Profile API refuses, and how it says so (identity 9)."""

import pytest

from router.testing.clock import ManualClock
from tests.flow.profiles.desk import CONFIG, ROOT, error, get, identify, profiles, send, track
from tests.flow.tracking.client import ask, basic

MISSING = {"sources": CONFIG["sources"], "spaces": {"shop": {}}}


@pytest.mark.parametrize("token", ["", "wrong", "pt_club", "wk_web", "pt_shop2", "ü"])
async def test_a_token_that_is_none_of_the_space_is_refused(token: str) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        assert error(await get(rig, "user_id:u1/traits", token=token)) == (401, "authentication_error")


@pytest.mark.parametrize("header", ["Bearer pt_shop", "Basic", "Basic !!!", "pt_shop", "Basic " + "A" * 5000])
async def test_a_header_that_is_no_basic_authentication_is_refused(header: str) -> None:
    async with profiles() as rig:
        reply = await ask(rig, ROOT + "user_id:u1/traits", method="GET", headers={"Authorization": header})

        assert error(reply) == (401, "authentication_error")


async def test_every_token_of_a_space_is_good() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        assert (await get(rig, "user_id:u1/traits", token="pt_second")).status == 200


async def test_an_unknown_space_is_refused_like_a_wrong_token() -> None:
    async with profiles() as rig:
        known = await get(rig, "user_id:u1/traits", token="wrong")
        unknown = await get(rig, "user_id:u1/traits", root=ROOT.replace("shop", "nowhere"))

        assert (known.status, known.body) == (unknown.status, unknown.body)


async def test_without_any_token_the_api_is_closed() -> None:
    async with profiles(MISSING) as rig:
        assert error(await get(rig, "user_id:u1/traits")) == (404, "not_found")


async def test_two_spaces_do_not_see_each_other() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", plan="shop"))
        await send(rig, identify("u1", plan="club"), key="wk_other")
        club = ROOT.replace("shop", "club")
        id = (await get(rig, "user_id:u1/events")).json["data"][0]["related"]["users"]

        theirs = await get(rig, "user_id:u1/traits", token="pt_club", root=club)
        by_id = await get(rig, f"{id}/traits", token="pt_club", root=club)

        assert theirs.json["traits"] == {"plan": "club"}
        assert error(by_id) == (404, "not_found")


async def test_an_id_is_of_one_collection() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))
        id = (await get(rig, "user_id:u1/events")).json["data"][0]["related"]["users"]

        assert (await get(rig, f"{id}/traits")).status == 200
        assert error(await get(rig, f"{id}/traits", root=ROOT.replace("users", "accounts"))) == (
            400,
            "invalid_request_error",
        )


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("user_id:u1/nothing", (404, "not_found")),
        ("user_id:u1", (404, "not_found")),
        ("user_id:u1/traits/more", (404, "not_found")),
        ("", (404, "not_found")),
        ("user_id/traits", (400, "invalid_request_error")),
        (":u1/traits", (400, "invalid_request_error")),
        ("user_id:/traits", (400, "invalid_request_error")),
        ("use_/traits", (404, "not_found")),
        ("use_0123456789abcdef0123456789abcdef/traits", (404, "not_found")),
        ("user_id:%zz/traits", (400, "invalid_request_error")),
        ("user_id:%/traits", (400, "invalid_request_error")),
        ("user_id:%ff/traits", (400, "invalid_request_error")),
        ("user_id:%00/traits", (404, "not_found")),
        ("user_id:%ED%A0%80/traits", (400, "invalid_request_error")),
        ("user_id:" + "x" * 7000 + "/traits", (404, "not_found")),
        ("x" * 7000 + ":u1/traits", (404, "not_found")),
        ("user_id:u1/traits?limit=%zz", (400, "invalid_request_error")),
        ("user_id:u1/traits?include=%ff", (400, "invalid_request_error")),
        ("user_id:u1/traits?" + "&".join(["a=1"] * 60), (400, "invalid_request_error")),
        ("user_id:u1/traits?class=sql", (400, "validation_error")),
        ("user_id:u1/traits?verbose=yes", (400, "validation_error")),
        ("user_id:u1/external_ids?limit=-5", (400, "validation_error")),
        ("user_id:u1/events?sort=up", (400, "validation_error")),
        ("user_id:u1/events?start=yesterday", (400, "validation_error")),
        ("user_id:u1/events?end=" + "9" * 4000, (400, "validation_error")),
        ("user_id:u1/events?start=2030-02-02T00:00:00Z&end=2030-01-01T00:00:00Z", (400, "validation_error")),
    ],
)
async def test_a_bad_path_or_query_is_answered_in_the_documented_shape(
    path: str, answer: tuple[int, str]
) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        assert error(await get(rig, path)) == answer


@pytest.mark.parametrize(
    ("root", "answer"),
    [
        ("/v1/spaces/shop/collections/robots/profiles/", (404, "not_found")),
        ("/v1/spaces/shop/collections/us%3Cers/profiles/", (400, "invalid_request_error")),
        ("/v1/spaces/shop/collections//profiles/", (400, "invalid_request_error")),
        ("/v1/spaces/shop/users/", (404, "not_found")),
        ("/v1/spaces/shop/", (404, "not_found")),
        ("/v1/spaces/", (401, "authentication_error")),
        ("/v1/spaces/%ff/", (400, "invalid_request_error")),
    ],
)
async def test_a_bad_space_or_collection_is_answered_in_the_documented_shape(
    root: str, answer: tuple[int, str]
) -> None:
    async with profiles() as rig:
        assert error(await get(rig, "user_id:u1/traits", root=root)) == answer


@pytest.mark.parametrize("endpoint", ["traits", "external_ids", "events"])
@pytest.mark.parametrize(
    "cursor", ["x", "!!", "AAAA", "kqZ0cmFpdHM", "%00", "a" * 6000, "k6Z0cmFpdHMBAg", "of another"]
)
async def test_a_forged_cursor_is_refused(endpoint: str, cursor: str) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", "a1", plan="x", city="y"), track("A"), track("B"))
        if cursor == "of another":
            other = "traits" if endpoint != "traits" else "events"
            cursor = (await get(rig, f"user_id:u1/{other}?limit=1")).json["cursor"]["next"]

        assert error(await get(rig, f"user_id:u1/{endpoint}?next={cursor}")) == (400, "validation_error")


async def test_a_cursor_opens_no_other_profile() -> None:
    async with profiles() as rig:
        await send(rig, *(track("Mine") for _ in range(3)), *(track("Theirs", user="u2") for _ in range(3)))
        cursor = (await get(rig, "user_id:u2/events?limit=1")).json["cursor"]["next"]

        events = (await get(rig, f"user_id:u1/events?next={cursor}")).json["data"]

        assert {one["event"] for one in events} == {"Mine"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_not_allowed(method: str) -> None:
    async with profiles() as rig:
        reply = await get(rig, "user_id:u1/traits", method=method)

        assert error(reply) == (405, "invalid_request_error")
        assert reply.headers["allow"] == "GET"


async def test_head_is_answered_like_get_without_a_body() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1", plan="gold"))

        head = await get(rig, "user_id:u1/traits", method="HEAD")
        full = await get(rig, "user_id:u1/traits")

        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize("path", ["user_id:u1/traits", "user_id:nobody/traits", "nonsense"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_no_answer_lets_pages_of_other_origins_in(path: str, method: str) -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        reply = await get(rig, path, method=method, Origin="https://shop.example")

        assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_every_answer_has_a_request_id_of_its_own() -> None:
    async with profiles() as rig:
        await send(rig, identify("u1"))

        replies = [
            await get(rig, "user_id:u1/traits"),
            await get(rig, "user_id:nobody/traits"),
            await get(rig, "user_id:u1/traits", token="wrong"),
            await get(rig, "user_id:u1/traits", method="POST"),
        ]

        assert len({one.headers["request-id"] for one in replies}) == 4


async def test_identity_24_the_hundred_and_first_request_of_a_second_is_refused() -> None:
    async with profiles() as rig:
        statuses = [(await get(rig, "user_id:u1/traits")).status for _ in range(100)]

        reply = await get(rig, "user_id:u1/traits")

        assert set(statuses) == {404}
        assert error(reply) == (429, "rate_limit_error")
        assert reply.headers["retry-after"] == "1"


async def test_one_space_does_not_spend_the_requests_of_another() -> None:
    async with profiles() as rig:
        for _ in range(101):
            await get(rig, "user_id:u1/traits")

        reply = await get(rig, "user_id:u1/traits", token="pt_club", root=ROOT.replace("shop", "club"))

        assert reply.status == 404


async def test_a_second_later_there_are_requests_again() -> None:
    clock = ManualClock()
    async with profiles(clock=clock) as rig:
        for _ in range(100):
            await get(rig, "user_id:u1/traits")
        clock.advance(1.0)

        assert (await get(rig, "user_id:u1/traits")).status == 404


async def test_strangers_do_not_spend_the_requests_of_a_space() -> None:
    async with profiles() as rig:
        for _ in range(101):
            await ask(rig, ROOT + "user_id:u1/traits", method="GET", headers=basic("wrong"))

        assert (await get(rig, "user_id:u1/traits")).status == 404
