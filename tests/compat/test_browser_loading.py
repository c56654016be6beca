"""@segment/analytics-next 1.84.3 in Chromium: how it is loaded, and that every call arrives."""

import ssl
from pathlib import Path

import pytest
import trustme

from tests.compat.browser import npm_page, snippet_page, visiting
from tests.compat.peers import BUILD, needs_chromium
from tests.compat.process import free_port
from tests.compat.proxy import proxying
from tests.compat.rig import rigging

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_chromium]

SERVED = {"analytics_js": str(BUILD)}

SIX_CALLS = """async () => {
    await analytics.identify("web-user", {email: "ada@shop.test"})
    await analytics.track("Order Completed", {total: 12.5, city: "Århus"})
    await analytics.page("Docs", "Start")
    await analytics.screen("Home")
    await analytics.group("g1", {seats: 5})
    await analytics.alias("web-user-2", "web-user")
}"""


async def test_browser_1_the_snippet_over_https_works_and_asks_no_other_host(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = free_port()
    server = SERVED | {"public_url": f"https://127.0.0.1:{port}"}
    async with (
        rigging(tmp_path, server=server) as rig,
        proxying(rig.url, context=context, port=port) as proxy,
        visiting(await snippet_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run("analytics.track('Clicked', {n: 1})")
        await rig.recorder.wait(lambda events: len(events) >= 2)

        events = await rig.settled()
        assert sorted(event["type"] for event in events) == ["page", "track"]
        assert visit.strangers == []
        assert {post.path for post in proxy.posts} == {"/v1/p", "/v1/t"}
        assert not any(call.path == "/v1/m" for call in proxy.calls)


async def test_browser_2_the_snippet_over_http_works_and_asks_no_other_host(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path, server=SERVED) as rig,
        proxying(rig.url) as proxy,
        visiting(await snippet_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run("analytics.track('Clicked', {n: 1})")
        await rig.recorder.wait(lambda events: len(events) >= 2)

        events = await rig.settled()
        assert sorted(event["type"] for event in events) == ["page", "track"]
        assert visit.strangers == []
        assert {call.path for call in proxy.calls if call.method == "OPTIONS"} >= {"/v1/p", "/v1/t"}
        assert {event["context"]["ip"] for event in events} == {"127.0.0.1"}


async def test_every_call_of_the_npm_form_arrives_once(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy, visiting(npm_page(proxy.url)) as visit:
        await visit.open()
        await visit.run(SIX_CALLS)
        await rig.recorder.wait(lambda events: len(events) >= 6)

        events = {event["type"]: event for event in await rig.settled()}
        assert sorted(events) == ["alias", "group", "identify", "page", "screen", "track"]
        assert events["identify"]["traits"] == {"email": "ada@shop.test"}
        assert events["track"]["properties"] == {"total": 12.5, "city": "Århus"}
        assert events["page"]["context"]["page"]["title"] == "Shop"
        assert events["group"]["groupId"] == "g1"
        assert events["alias"]["previousId"] == "web-user"
        assert {event["context"]["library"]["name"] for event in events.values()} == {"analytics.js"}
        assert [post.retries for post in proxy.posts] == [None] * 6
        assert visit.strangers == []


async def test_browser_7_the_query_string_makes_the_first_event(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path, server=SERVED) as rig,
        proxying(rig.url) as proxy,
        visiting(await snippet_page(proxy.url)) as visit,
    ):
        await visit.open("?ajs_aid=x&ajs_event=E&ajs_prop_a=1")
        await rig.recorder.wait(lambda events: len(events) >= 2)

        events = {event["type"]: event for event in await rig.settled()}
        first = events["track"]
        assert (first["event"], first["anonymousId"], first["properties"]["a"]) == ("E", "x", "1")
        assert first["originalTimestamp"] <= events["page"]["originalTimestamp"]
        assert "queryString" in " ".join(call.path for call in proxy.calls)


async def test_browser_8_utm_becomes_the_campaign(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, visiting(npm_page(rig.url)) as visit:
        await visit.open("?utm_source=s&utm_campaign=c+d")
        await visit.run("analytics.page()")
        await rig.recorder.wait(lambda events: len(events) >= 1)

        (event,) = await rig.settled()
        assert event["context"]["campaign"] == {"source": "s", "name": "c d"}
