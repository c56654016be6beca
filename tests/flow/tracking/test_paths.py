"""Where calls go, and what success looks like (tracking-api 1, 2)."""

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, stored, track

CALLS = {
    "identify": {"userId": "u1", "traits": {"plan": "pro"}},
    "track": {"userId": "u1", "event": "E"},
    "page": {"userId": "u1", "name": "Home"},
    "screen": {"userId": "u1", "name": "Inbox"},
    "group": {"userId": "u1", "groupId": "g1"},
    "alias": {"userId": "u1", "previousId": "a1"},
}
SINGLE = [(f"/v1/{kind}", kind) for kind in CALLS] + [(f"/v1/{kind[0]}", kind) for kind in CALLS]
BATCHES = ["/v1/batch", "/v1/import", "/v1/b"]


@pytest.mark.parametrize(("path", "kind"), SINGLE)
async def test_tracking_1_a_call_to_a_single_path_is_answered_with_success(path: str, kind: str) -> None:
    async with running() as rig:
        reply = await ask(rig, path, CALLS[kind])

    assert (reply.status, reply.body) == (200, b'{"success":true}')
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", BATCHES)
async def test_tracking_1_a_batch_is_answered_with_success(path: str) -> None:
    async with running() as rig:
        reply = await ask(rig, path, {"batch": [track()]})

    assert (reply.status, reply.body) == (200, b'{"success":true}')


@pytest.mark.parametrize(("path", "kind"), SINGLE)
async def test_the_path_decides_the_type_of_a_single_call(path: str, kind: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, path, CALLS[kind])

    assert event["type"] == kind


async def test_the_path_wins_over_the_type_in_the_body() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", {"type": "page", "userId": "u1", "event": "E"})

    assert event["type"] == "track"


@pytest.mark.parametrize(
    "path", ["/v1/track/", "/v1/t/", "/v1/batch/", "/v1/m/", "/v1/pixel/track/", "/health/"]
)
async def test_every_path_is_answered_with_a_trailing_slash(path: str) -> None:
    body = {"batch": [track()]} if "batch" in path else track()
    method = "GET" if "pixel" in path or "health" in path else "POST"
    async with running() as rig:
        reply = await ask(rig, path, b"" if method == "GET" else body, method=method)

    assert reply.status == 200


async def test_an_unknown_path_is_answered_404_as_json() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/nothing", track())

    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/set", "/", "/v1", "/v1/", "/v1/t/x", "//v1/t", "/V1/T", "/v1/../v1/t"])
async def test_what_is_no_path_is_never_redirected(path: str) -> None:
    async with running() as rig:
        reply = await ask(rig, path, track())

    assert reply.status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_a_wrong_method_is_answered_405_with_allow(method: str) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", method=method)

    assert reply.status == 405
    assert reply.headers["allow"] == "OPTIONS, POST"


async def test_a_wrong_method_on_a_path_with_a_blank_names_the_right_ones() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/projects/wk_demo/settings", b"{}")

    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_the_message_of_a_405_says_what_is_allowed() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", method="GET")

    assert "POST" in reply.json["message"]


async def test_unknown_query_keys_are_ignored() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track?region=moon&a&=b&%zz=%", track())

    assert event["event"] == "E"


@pytest.mark.parametrize(
    "body", [b'{"series":[]}', b'{"series":[{"type":"Counter","value":1}]}', b"[]", b"{}"]
)
async def test_tracking_36_metrics_of_an_sdk_are_taken_and_not_stored(body: bytes) -> None:
    async with running() as rig:
        assert await stored(rig, "/v1/m", body) == []


async def test_the_attribution_of_old_android_clients_is_answered_with_an_object() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/attribution", b"{}")

    assert (reply.status, reply.json) == (200, {})


async def test_tracking_33_a_retry_is_taken_as_any_call() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(), headers={**DEMO, "X-Retry-Count": "3"})

    assert event["event"] == "E"


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_the_router_tells_that_it_is_well(path: str) -> None:
    async with running() as rig:
        reply = await ask(rig, path, method="GET", headers={})

    assert (reply.status, reply.json["status"]) == (200, "ok")


async def test_every_answer_carries_the_date_that_clients_correct_their_clock_by() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", track())

    assert reply.headers["date"].endswith(" GMT")
