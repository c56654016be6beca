"""The door of vendors' requests: what it takes, and how it answers what it does not."""

import base64
import gzip
import json
from typing import Any

import pytest

from router.errors import StoreFull, StoreUnavailable
from router.storage.side_log import SideEntry
from router.telemetry.happenings import RequestAnswered
from tests.flow.tracking.client import ask, basic, track
from tests.flow.webhooks.rig import KEY, function, hooked

ENCODED = base64.b64encode(KEY.encode()).decode()
TELLS = """
async function onRequest(request) {
  Segment.track({ event: "Told", userId: "u1", properties: {
    url: request.url.href, name: request.url.searchParams.get("name"), text: request.text(), body: request.body,
    secret: request.headers.get("X-Secret"), type: request.headers.get("content-type"), json: request.json(),
  } });
}
"""


async def test_a_request_is_answered_and_becomes_the_calls_of_its_function() -> None:
    async with hooked() as one:
        reply = await one.post({"event": "Order", "total": 12.5})

        [event] = await one.events(1)
        assert (reply.status, reply.json) == (200, {"success": True})
        assert (event["event"], event["userId"], event["properties"]) == ("Order", "u1", {"total": 12.5})
        assert one.rig.router.webhooks.troubles == {}


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/functions/{KEY}",
        f"/v1/functions/{KEY}/",
        f"/v1/functions?b={ENCODED}",
        f"/v1/functions?b={ENCODED.rstrip('=')}",
        f"/?b={ENCODED.replace('=', '%3D')}",
    ],
)
async def test_the_key_stands_in_the_path_or_in_base64_in_the_query(path: str) -> None:
    async with hooked() as one:
        assert (await one.post({}, path)).status == 200
        assert len(await one.events(1)) == 1


async def test_a_function_sees_the_request_but_not_the_key() -> None:
    async with hooked(function(TELLS)) as one:
        body = json.dumps({"b": 1, "a": {"d": 2, "c": 3}})
        await one.post(body.encode(), f"/?name=Jane&b={ENCODED}", headers={"X-Secret": "s"})

        [event] = await one.events(1)
        told = event["properties"]
        assert told == {
            "url": "https://functions.invalid/?name=Jane",
            "name": "Jane",
            "text": body,
            "body": body,
            "secret": "s",
            "type": "application/json",
            "json": {"a": {"c": 3, "d": 2}, "b": 1},
        }
        assert list(told["json"]) == ["a", "b"]
        assert list(told["json"]["a"]) == ["c", "d"]


async def test_a_form_is_taken_and_read_as_an_object() -> None:
    async with hooked(function(TELLS)) as one:
        form = "application/x-www-form-urlencoded; charset=UTF-8"
        await one.post(b"z=1&a=J%C3%BCrgen+X", headers={"Content-Type": form})

        [event] = await one.events(1)
        assert event["properties"]["json"] == {"a": "Jürgen X", "z": "1"}
        assert event["properties"]["text"] == "z=1&a=J%C3%BCrgen+X"


async def test_json_is_taken_whatever_it_is_called() -> None:
    async with hooked() as one:
        await one.post({"event": "A"}, headers={"Content-Type": "text/plain"})
        await one.post(b"7")

        assert await one.events(1)
        await one.emptied()


async def test_a_compressed_request_is_unpacked() -> None:
    async with hooked() as one:
        await one.post(gzip.compress(b'{"event":"A"}'), headers={"Content-Encoding": "gzip"})

        assert [event["event"] for event in await one.events(1)] == ["A"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_taken(method: str) -> None:
    async with hooked() as one:
        reply = await one.post({}, method=method)

        assert (reply.status, reply.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("body", [b"", b"a=1&b=2", b"{", b'"\xff"', b"[" * 100_000])
async def test_what_is_neither_json_nor_a_form_is_refused_and_counted(body: bytes) -> None:
    async with hooked() as one:
        reply = await one.post(body)

        assert (reply.status, reply.code) == (400, "invalid_json")
        assert await one.counts() == {("failed_on_ingest", "shop", "bad_request"): 1}


@pytest.mark.parametrize("size", [(512 << 10) - 2, (512 << 10) - 1])
async def test_a_request_may_have_512_kib(size: int) -> None:
    async with hooked(function("async function onRequest() {}")) as one:
        reply = await one.post(b'"' + b"x" * size + b'"')

        assert (reply.status == 200) == (size + 2 <= 512 << 10)
        if reply.status != 200:
            assert (reply.status, reply.code) == (400, "payload_too_large")
        await one.emptied()


async def test_a_small_file_that_expands_to_more_is_refused() -> None:
    async with hooked() as one:
        bomb = gzip.compress(b'"' + b"x" * (600 << 10) + b'"')
        reply = await one.post(bomb, headers={"Content-Encoding": "gzip"})

        assert (reply.status, reply.code) == (400, "payload_too_large")


@pytest.mark.parametrize(
    "path", ["/v1/functions/other", "/v1/functions/wk", "/?b=!!", f"/?b={KEY}", "/v1/functions"]
)
async def test_an_unknown_key_is_answered_as_at_the_tracking_door(path: str) -> None:
    website = {"website": {"write_key": "wk"}}
    for is_strict in (False, True):
        async with hooked(sources=website, server={"strict_write_keys": is_strict}) as one:
            reply = await one.post({}, path)

            is_missing = path in ("/v1/functions", "/?b=!!", f"/?b={KEY}")
            wanted = 400 if is_missing else 401 if is_strict else 200
            assert reply.status == wanted
            counted = {} if is_missing else {("failed_on_ingest", "", "unknown_source"): 1}
            assert await one.counts() == counted
            assert await one.waiting() == {}


async def test_a_region_that_is_not_here_has_no_door() -> None:
    async with hooked({**function(), "region": "eu"}) as one:
        assert (await one.post({})).status == 200
        assert await one.counts() == {("failed_on_ingest", "shop", "wrong_region"): 1}


async def test_a_source_that_is_switched_off_drops_and_counts() -> None:
    async with hooked({**function(), "enabled": False}) as one:
        assert (await one.post({})).status == 200
        assert await one.counts() == {("failed_on_ingest", "shop", "source_disabled"): 1}


async def test_a_vendor_over_the_rate_is_told_when_to_come_back() -> None:
    async with hooked({**function(), "rate_limit": 1}) as one:
        replies = [await one.post({}) for _ in range(3)]

        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].headers["retry-after"] == "1"


@pytest.mark.parametrize("error", [StoreFull("the side budget is spent"), StoreUnavailable("disk I/O error")])
async def test_what_cannot_be_kept_is_answered_503_and_nothing_of_it_is_there(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(entry: SideEntry) -> int:
        raise error

    async with hooked() as one:
        monkeypatch.setattr(one.rig.router.storage.side_log, "put", put)
        reply = await one.post({})

        assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "unavailable", "5")
        assert isinstance(await one.hears(RequestAnswered), RequestAnswered)
        assert await one.waiting() == {}


async def test_a_spent_side_budget_shuts_this_door_and_no_other() -> None:
    never = "async function onRequest() { throw new RetryError('later') }"
    async with hooked(function(never), storage={"kind": "memory", "side_budget": "1MiB"}) as one:
        big: Any = b'"' + b"x" * (500 << 10) + b'"'
        replies = [await one.post(big) for _ in range(4)]
        tracked = await ask(one.rig, "/v1/track", track(), headers=basic(KEY))

        assert [reply.status for reply in replies] == [200, 200, 200, 503]
        assert tracked.status == 200


async def test_the_root_is_nobody_s_without_a_key() -> None:
    async with hooked() as one:
        assert (await one.post({}, "/")).status == 404
        assert (await one.post({}, "/?a=1")).status == 404
