"""What a browser must be told before it delivers an event (tracking-api 5)."""

from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, basic, stored, track

PAGE = {"Origin": "https://shop.test"}
ASKED = {**PAGE, "Access-Control-Request-Method": "POST"}
SLOW: dict[str, Any] = {"sources": {"website": {"write_key": "wk_demo", "rate_limit": 1}}}


def names(text: str) -> set[str]:
    return {name.strip().lower() for name in text.split(",")}


@pytest.mark.parametrize(
    "path", ["/v1/t", "/v1/track", "/v1/b", "/v1/m", "/v1/projects/wk_demo/settings", "/v1/new"]
)
async def test_tracking_20_a_preflight_allows_what_the_browser_asks_for(path: str) -> None:
    headers = {**ASKED, "Access-Control-Request-Headers": "authorization,content-type,x-retry-count"}
    async with running() as rig:
        reply = await ask(rig, path, method="OPTIONS", headers=headers)

    assert (reply.status, reply.body) == (204, b"")
    assert names(reply.headers["access-control-allow-headers"]) >= {
        "authorization",
        "content-type",
        "x-retry-count",
    }
    assert reply.headers["access-control-allow-origin"] == "https://shop.test"
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert reply.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert reply.headers["access-control-max-age"] == "86400"
    assert reply.headers["vary"] == "Origin"


async def test_a_preflight_allows_headers_that_the_page_added() -> None:
    headers = {**ASKED, "Access-Control-Request-Headers": "Authorization, X-Team"}
    async with running() as rig:
        reply = await ask(rig, "/v1/t", method="OPTIONS", headers=headers)

    assert names(reply.headers["access-control-allow-headers"]) >= {"authorization", "x-team"}


async def test_a_preflight_that_asks_for_no_header_allows_the_usual_ones() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/t", method="OPTIONS", headers=ASKED)

    assert names(reply.headers["access-control-allow-headers"]) == {
        "authorization",
        "content-type",
        "x-retry-count",
    }


async def test_a_preflight_into_a_private_network_is_allowed() -> None:
    headers = {**ASKED, "Access-Control-Request-Private-Network": "true"}
    async with running() as rig:
        reply = await ask(rig, "/v1/t", method="OPTIONS", headers=headers)

    assert reply.headers["access-control-allow-private-network"] == "true"


async def test_a_preflight_without_an_origin_gets_no_cross_origin_header() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/t", method="OPTIONS", headers={})

    assert reply.status == 204
    assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_a_preflight_never_counts_against_the_rate_limit() -> None:
    async with running(SLOW) as rig:
        for _ in range(5):
            await ask(rig, "/v1/t", method="OPTIONS", headers={**ASKED, **DEMO})

        assert len(await stored(rig, "/v1/t", track())) == 1


async def test_an_answer_to_a_page_may_be_read_by_it() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/t", track(), headers={**DEMO, **PAGE})

    assert reply.headers["access-control-allow-origin"] == "https://shop.test"
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert reply.headers["vary"] == "Origin"


async def test_an_answer_to_a_program_has_no_cross_origin_header() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/t", track())

    assert not [name for name in reply.headers if name.startswith("access-control") or name == "vary"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/t", b"{bad", DEMO, 400),
        ("/v1/t", track(), {}, 400),
        ("/v1/nothing", track(), DEMO, 404),
        ("/v1/pixel/track", track(), DEMO, 405),
        ("/v1/t", track(), {**DEMO, "Content-Encoding": "br"}, 415),
        ("/v1/t", b"x" * 200_000, DEMO, 400),
    ],
)
async def test_every_failure_may_be_read_by_the_page(
    path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    async with running() as rig:
        reply = await ask(rig, path, body, headers={**headers, **PAGE})

    assert reply.status == status
    assert reply.headers["access-control-allow-origin"] == "https://shop.test"
    assert names(reply.headers["access-control-expose-headers"]) == {"retry-after", "x-ratelimit-reset"}


async def test_a_401_may_be_read_by_the_page() -> None:
    async with running({"server": {"strict_write_keys": True}}) as rig:
        reply = await ask(rig, "/v1/t", track(), headers={**basic("wk_unknown"), **PAGE})

    assert reply.status == 401
    assert reply.headers["access-control-allow-origin"] == "https://shop.test"


async def test_tracking_21_a_page_can_read_how_long_to_wait() -> None:
    async with running(SLOW) as rig:
        replies = [await ask(rig, "/v1/t", track(), headers={**DEMO, **PAGE}) for _ in range(3)]

    last = replies[-1]
    assert (last.status, last.code) == (429, "rate_limited")
    assert last.headers["access-control-allow-origin"] == "https://shop.test"
    assert names(last.headers["access-control-expose-headers"]) == {"retry-after", "x-ratelimit-reset"}
    assert 1 <= int(last.headers["retry-after"]) <= 300
    assert last.headers["x-ratelimit-reset"] == last.headers["retry-after"]


async def test_a_source_without_a_limit_is_never_told_to_wait() -> None:
    config = {"sources": {"website": {"write_key": "wk_demo", "rate_limit": 0}}}
    async with running(config) as rig:
        assert {(await ask(rig, "/v1/t", track())).status for _ in range(30)} == {200}


async def test_the_limit_of_one_source_does_not_slow_another() -> None:
    config = {
        "sources": {"website": {"write_key": "wk_demo", "rate_limit": 1}, "shop": {"write_key": "wk_shop"}}
    }
    async with running(config) as rig:
        for _ in range(3):
            await ask(rig, "/v1/t", track())

        assert (await ask(rig, "/v1/t", track(), headers=basic("wk_shop"))).status == 200


async def test_an_origin_cannot_write_headers_of_its_own() -> None:
    headers = {**DEMO, "Origin": "https://shop.test\x0bX-Bad: 1"}
    async with running() as rig:
        reply = await ask(rig, "/v1/t", track(), headers=headers)

    assert "x-bad" not in reply.headers
