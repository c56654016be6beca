"""A router inside somebody else's aiohttp application: one port, all paths, the application's life."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from segment.analytics import Client

from router import Router, load
from router.plugins.registry import Registry
from router.testing import Shelf, collect_plugin

KEY = {"Authorization": "Basic d2tfZGVtbzo="}


class Site:
    """A running application with a router below /events."""

    def __init__(self, **server: Any) -> None:
        self.shelf = Shelf()
        registry = Registry.load().with_plugin(collect_plugin(self.shelf))
        config = {
            "server": server,
            "storage": {"kind": "memory"},
            "sources": {"website": {"write_key": "wk_demo"}},
            "destinations": {"collect": {"kind": "collect"}},
        }
        self.router = Router(load(config, registry=registry), registry=registry)
        self.app = web.Application()
        self.app.router.add_get("/", self._home)
        self.router.mount(self.app, "/events")
        self.url = ""

    async def _home(self, request: web.Request) -> web.Response:
        return web.Response(text="home")


@asynccontextmanager
async def serving(**server: Any) -> AsyncIterator[Site]:
    site = Site(**server)
    runner = web.AppRunner(site.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as one:
        yield one


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=True) as one:
        yield one


CALL = json.dumps({"userId": "u1", "event": "Order Completed"}).encode()


async def test_the_python_sdk_sends_through_the_applications_port(site: Site) -> None:
    def send() -> None:
        analytics = Client("wk_demo", host=f"{site.url}/events", gzip=True)
        analytics.track("u1", "Order Completed", {"total": 12.5})
        analytics.shutdown()

    await asyncio.to_thread(send)
    [event] = await site.shelf.wait(1)

    assert (event["event"], event["properties"]) == ("Order Completed", {"total": 12.5})


async def test_the_application_keeps_its_own_paths(site: Site, client: aiohttp.ClientSession) -> None:
    async with client.get(site.url) as answer:
        assert await answer.text() == "home"


async def test_no_port_of_the_routers_own_is_opened(site: Site) -> None:
    assert site.router.doors.server.port == 0
    assert site.router.url == "/events"


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)]
)
async def test_bodies_may_be_packed(
    site: Site, client: aiohttp.ClientSession, coding: str, pack: Any
) -> None:
    headers = {"Content-Encoding": coding} if coding else {}
    async with client.post(
        f"{site.url}/events/v1/track", data=pack(CALL), headers={**KEY, **headers}
    ) as answer:
        assert (answer.status, await answer.read()) == (200, b'{"success":true}')
    assert len(await site.shelf.wait(1)) == 1


async def test_a_body_that_claims_to_be_packed_and_is_not_is_refused(
    site: Site, client: aiohttp.ClientSession
) -> None:
    headers = {"Content-Encoding": "gzip"}
    async with client.post(
        f"{site.url}/events/v1/track", data=b"\x1f\x8bno", headers={**KEY, **headers}
    ) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
async def test_a_huge_body_is_refused(site: Site, client: aiohttp.ClientSession, pack: Any) -> None:
    body = pack(b'{"userId":"u1","event":"' + b"x" * 1_000_000 + b'"}')
    headers = {"Content-Encoding": "gzip"} if pack is gzip.compress else {}
    async with client.post(f"{site.url}/events/v1/track", data=body, headers={**KEY, **headers}) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == "payload_too_large"


async def test_a_pixel_is_answered_with_an_image_and_recorded(
    site: Site, client: aiohttp.ClientSession
) -> None:
    data = "eyJ3cml0ZUtleSI6IndrX2RlbW8iLCJ1c2VySWQiOiJ1MSIsImV2ZW50IjoiRSJ9"
    async with client.get(f"{site.url}/events/v1/pixel/track?data={data}") as answer:
        assert answer.content_type == "image/gif"
    assert (await site.shelf.wait(1))[0]["event"] == "E"


async def test_settings_name_the_path(site: Site, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{site.url}/events/v1/projects/wk_demo/settings") as answer:
        settings = await answer.json()

    host = site.url.removeprefix("http://")
    assert settings["integrations"]["Segment.io"]["apiHost"] == f"{host}/events/v1"


async def test_a_public_url_is_told_as_it_is(client: aiohttp.ClientSession) -> None:
    async with (
        serving(public_url="https://example.com/events") as site,
        client.get(f"{site.url}/events/v1/projects/wk_demo/settings") as answer,
    ):
        assert (await answer.json())["integrations"]["Segment.io"]["apiHost"] == "example.com/events/v1"


async def test_pages_of_other_origins_may_send(site: Site, client: aiohttp.ClientSession) -> None:
    origin = {"Origin": "https://shop.test"}
    preflight = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-own"}
    async with client.options(f"{site.url}/events/v1/t", headers=preflight) as answer:
        assert answer.status == 204
        assert "x-own" in answer.headers["Access-Control-Allow-Headers"]
    async with client.post(f"{site.url}/events/v1/t", data=CALL, headers={**KEY, **origin}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.test"


async def test_unknown_paths_and_methods_are_answered_by_the_router(
    site: Site, client: aiohttp.ClientSession
) -> None:
    async with client.get(f"{site.url}/events/nowhere") as answer:
        assert (answer.status, (await answer.json())["message"]) == (404, "nothing is served at /nowhere")
    async with client.get(f"{site.url}/events/v1/track") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    async with client.head(f"{site.url}/events/health") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_embedded_calls_work_beside(site: Site) -> None:
    await site.router.track("A", user_id="u1")

    assert (await site.shelf.wait(1))[0]["event"] == "A"


@pytest.mark.parametrize("path", ["", "/", "events", "/events/", "/a b", "/{x}", "//"])
async def test_a_path_that_cannot_be_mounted_is_refused(path: str, tmp_path: Path) -> None:
    router = Router(load({"storage": {"kind": "memory"}}))

    with pytest.raises(ValueError, match="cannot be mounted at"):
        router.mount(web.Application(), path)


async def test_a_router_is_mounted_once_and_before_it_starts(site: Site) -> None:
    with pytest.raises(ValueError, match="mounted or running already"):
        site.router.mount(web.Application(), "/again")
