"""Who sends: write keys in all their forms, and what happens without a good one (tracking-api 3)."""

import base64
from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, basic, failed, stored, track

SOURCES: dict[str, Any] = {
    "sources": {
        "website": {"write_key": "wk_demo"},
        "shop": {"write_key": "wk_shop"},
        "idle": {"write_key": "wk_idle", "enabled": False},
    }
}
STRICT = {**SOURCES, "server": {"strict_write_keys": True}}


def header(text: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize("text", ["wk_demo:", "wk_demo", "wk_demo:a password", "wk_demo:a:b"])
async def test_tracking_2_basic_authentication_is_accepted(text: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(), headers=header(text))

    assert event["event"] == "E"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_the_name_of_the_scheme_may_be_in_any_case(scheme: str) -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(), headers=header("wk_demo:", scheme))) == 1


async def test_basic_authentication_may_come_without_padding() -> None:
    token = base64.b64encode(b"wk_demo:").decode().rstrip("=")
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(), headers={"Authorization": f"Basic {token}"})) == 1


@pytest.mark.parametrize("path", ["/v1/track", "/v1/t"])
async def test_tracking_3_a_key_in_the_body_alone_is_accepted(path: str) -> None:
    async with running() as rig:
        assert len(await stored(rig, path, track(writeKey="wk_demo"), headers={})) == 1


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
async def test_tracking_3_a_key_in_the_envelope_alone_is_accepted(path: str) -> None:
    async with running() as rig:
        assert len(await stored(rig, path, {"writeKey": "wk_demo", "batch": [track()]}, headers={})) == 1


async def test_a_bearer_token_beside_a_key_in_the_body_is_accepted() -> None:
    headers = {"Authorization": "Bearer some.token"}
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(writeKey="wk_demo"), headers=headers)) == 1


async def test_a_key_in_the_query_is_accepted() -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/track?writeKey=wk_demo", track(), headers={})) == 1


@pytest.mark.parametrize("name", ["header", "body", "query"])
async def test_the_header_wins_over_the_body_and_the_body_over_the_query(name: str) -> None:
    headers = basic("wk_shop") if name == "header" else {}
    key = {"header": "wk_demo", "body": "wk_shop", "query": ""}[name]
    query = "wk_shop" if name == "query" else "wk_demo"
    async with running(SOURCES) as rig:
        await stored(rig, f"/v1/track?writeKey={query}", track(writeKey=key), headers=headers)

        assert (await rig.counters())["successfully_received", "shop"] == 1


async def test_a_key_of_an_event_inside_a_batch_opens_no_door() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", {"batch": [track(writeKey="wk_demo")]}, headers={})

    assert (reply.status, reply.code) == (400, "no_write_key")


async def test_all_events_of_a_batch_belong_to_the_source_of_the_request() -> None:
    async with running(SOURCES) as rig:
        await stored(rig, "/v1/batch", {"batch": [track(writeKey="wk_shop"), track()]})

        assert (await rig.counters())["successfully_received", "website"] == 2


async def test_the_key_is_not_stored() -> None:
    body = {"writeKey": "wk_demo", "batch": [track(writeKey="wk_demo")]}
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", body)

    assert "writeKey" not in event


@pytest.mark.parametrize(
    "token", ["Basic ", "Basic %%%", "Basic =", "Basic /w==", "Basic", "wk_demo", "Basic Og=="]
)
async def test_a_header_that_names_no_key_leaves_it_to_the_body(token: str) -> None:
    headers = {"Authorization": token}
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(writeKey="wk_demo"), headers=headers)) == 1


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic %%%"}, header(":"), header("")])
@pytest.mark.parametrize("key", [None, ""])
async def test_tracking_19_no_key_anywhere_is_refused(headers: dict[str, str], key: str | None) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", track(writeKey=key), headers=headers)

    assert (reply.status, reply.code) == (400, "no_write_key")


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("key", [42, True, {}, []])
async def test_a_key_that_is_no_text_counts_as_missing(path: str, key: Any) -> None:
    body = {**track(), "batch": [track()], "writeKey": key}
    async with running() as rig:
        reply = await ask(rig, path, body, headers={})

    assert (reply.status, reply.code) == (400, "no_write_key")


async def test_tracking_18_an_unknown_key_is_answered_with_success_and_nothing_is_delivered() -> None:
    async with running() as rig:
        assert await stored(rig, "/v1/track", track(), headers=basic("wk_unknown")) == []


async def test_tracking_18_an_unknown_key_is_counted() -> None:
    async with running() as rig:
        await ask(rig, "/v1/track", track(), headers=basic("wk_unknown"))

        assert await failed(rig, "") == {"unknown_source": 1}


async def test_tracking_18_an_unknown_key_is_refused_in_strict_mode() -> None:
    async with running(STRICT) as rig:
        reply = await ask(rig, "/v1/track", track(), headers=basic("wk_unknown"))

    assert (reply.status, reply.code) == (401, "unknown_source")


async def test_a_known_key_is_accepted_in_strict_mode() -> None:
    async with running(STRICT) as rig:
        assert len(await stored(rig, "/v1/track", track())) == 1


async def test_a_disabled_source_is_answered_with_success_and_nothing_is_delivered() -> None:
    async with running(SOURCES) as rig:
        assert await stored(rig, "/v1/track", track(), headers=basic("wk_idle")) == []


async def test_every_event_of_a_disabled_source_is_counted() -> None:
    async with running(SOURCES) as rig:
        await ask(rig, "/v1/batch", {"batch": [track(), track()]}, headers=basic("wk_idle"))

        assert await failed(rig, "idle") == {"source_disabled": 2}


async def test_a_key_with_letters_beyond_ascii_is_unknown_and_no_failure() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", track(), headers=basic("clé"))

    assert reply.status == 200


async def test_an_unknown_key_in_the_header_does_not_fall_back_to_the_body() -> None:
    async with running() as rig:
        assert await stored(rig, "/v1/track", track(writeKey="wk_demo"), headers=basic("wk_unknown")) == []


async def test_a_header_may_have_white_space_around_its_token() -> None:
    headers = {"Authorization": DEMO["Authorization"].replace(" ", "   ") + "  "}
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(), headers=headers)) == 1
