"""Calls in the form in which browsers and phones send them (browser-and-mobile 5, 10)."""

import gzip
from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, encoded, stored, track

MOBILE: dict[str, Any] = {
    "batch": [
        {
            "type": "track", "userId": None, "anonymousId": "p1", "event": "Application Opened", "messageId": f"s{n}",
            "context": {"library": {"name": "analytics-swift", "version": "1.6"}}, "integrations": {},
            "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []}, "timestamp": "2030-05-01T10:00:00.000Z",
        }
        for n in range(3)
    ],
    "sentAt": "2030-05-01T10:00:05.000Z",
    "writeKey": "wk_demo",
}  # fmt: skip


async def test_browser_10_a_preflight_allows_authorization_and_the_retry_count() -> None:
    headers = {"Origin": "https://shop.test", "Access-Control-Request-Headers": "authorization,x-retry-count"}
    async with running() as rig:
        reply = await ask(rig, "/v1/t", method="OPTIONS", headers=headers)

    allowed = {name.strip() for name in reply.headers["access-control-allow-headers"].lower().split(",")}
    assert {"authorization", "x-retry-count"} <= allowed


async def test_browser_13_a_call_before_identify_is_stored_as_anonymous() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track(userId=None, anonymousId="a1"))

    assert event["anonymousId"] == "a1"
    assert event.get("userId") is None


async def test_browser_14_an_alias_with_equal_ids_is_stored() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/a", {"type": "alias", "userId": "u1", "previousId": "u1"})

    assert (event["userId"], event["previousId"]) == ("u1", "u1")


async def test_browser_17_metrics_of_the_sdk_are_answered_and_not_stored() -> None:
    body = {"series": [{"type": "Counter", "metric": "analytics_js.invoke", "value": 1, "tags": {}}]}
    async with running() as rig:
        assert await stored(rig, "/v1/m", body, headers={"Content-Type": "text/plain"}) == []


async def test_browser_18_a_plain_mobile_upload_is_stored_with_its_address() -> None:
    async with running() as rig:
        events = await stored(
            rig, "/v1/b", MOBILE, headers={"Content-Type": "application/json; charset=utf-8"}
        )

    assert [event["context"]["ip"] for event in events] == ["127.0.0.1"] * 3


async def test_browser_18_a_packed_mobile_upload_is_stored_with_its_address() -> None:
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    async with running() as rig:
        events = await stored(rig, "/v1/b", gzip.compress(encoded(MOBILE)), headers=headers)

    assert [event["context"]["ip"] for event in events] == ["127.0.0.1"] * 3


async def test_browser_19_a_packed_upload_without_content_type_is_stored() -> None:
    async with running() as rig:
        body = gzip.compress(encoded(MOBILE))

        assert len(await stored(rig, "/v1/b", body, headers={"Content-Encoding": "gzip"})) == 3


async def test_browser_25_events_that_overtook_each_other_are_sorted_by_their_time() -> None:
    overtaking = track(timestamp="2030-05-01T10:00:30.000Z", sentAt="2030-05-01T10:00:31.000Z")
    late = {"userId": "u1", "timestamp": "2030-05-01T10:00:00.000Z", "sentAt": "2030-05-01T10:01:00.000Z"}
    async with running() as rig:
        await stored(rig, "/v1/t", overtaking)
        events = await stored(rig, "/v1/p", late)

    assert [event["type"] for event in sorted(events, key=lambda event: event["timestamp"])] == [
        "page",
        "track",
    ]


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8"])
async def test_a_call_of_analytics_js_is_stored_as_it_was_made(content_type: str) -> None:
    call = {
        "timestamp": "2030-05-01T10:00:00.000Z", "integrations": {}, "userId": None, "anonymousId": "a1",
        "type": "page", "properties": {"path": "/", "url": "https://shop.test/"}, "category": None,
        "context": {"library": {"name": "analytics.js", "version": "next-1.84.3"}, "userAgent": "Mozilla/5.0"},
        "messageId": "ajs-next-1903860000000-6d1b0a5e", "writeKey": "wk_demo", "sentAt": "2030-05-01T10:00:00.100Z",
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }  # fmt: skip
    async with running() as rig:
        [event] = await stored(rig, "/v1/p", call, headers={**DEMO, "Content-Type": content_type})

    assert (event["messageId"], event["properties"]) == (call["messageId"], call["properties"])
    assert event["context"]["library"] == {"name": "analytics.js", "version": "next-1.84.3"}
