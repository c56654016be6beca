"""When the router cannot keep a call it says so, and for how long to wait (tracking-api 2, 6.1)."""

from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, track

FULL: dict[str, Any] = {"storage": {"free_floor": 1 << 60}}
PAGE = {**DEMO, "Origin": "https://shop.test"}


@pytest.mark.parametrize(("path", "body"), [("/v1/track", track()), ("/v1/b", {"batch": [track()]})])
async def test_a_full_log_is_answered_503_with_the_time_to_wait(path: str, body: Any) -> None:
    async with running(FULL) as rig:
        await ask(rig, path, body)
        reply = await ask(rig, path, body, headers=PAGE)

    assert (reply.status, reply.code) == (503, "unavailable")
    assert 1 <= int(reply.headers["retry-after"]) <= 300
    assert reply.headers["access-control-allow-origin"] == "https://shop.test"


async def test_a_call_that_would_be_dropped_anyway_is_answered_while_the_log_is_full() -> None:
    async with running(FULL) as rig:
        assert (await ask(rig, "/v1/track", {"event": "E"})).status == 200


async def test_a_pixel_is_answered_with_its_image_while_the_log_is_full() -> None:
    query = "?writeKey=wk_demo&userId=u1&event=E"
    async with running(FULL) as rig:
        await ask(rig, f"/v1/pixel/track{query}", method="GET", headers={})
        reply = await ask(rig, f"/v1/pixel/track{query}", method="GET", headers={})

    assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
