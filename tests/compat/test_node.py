"""@segment/analytics-node 3.1.0, unmodified: only `host` is set."""

from pathlib import Path

import pytest

from tests.compat.expected import assert_six_calls
from tests.compat.peers import needs_node
from tests.compat.proxy import Answer, Cut, proxying
from tests.compat.rig import node_client, rigging

LIBRARY = "@segment/analytics-node"

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_node]


async def test_tracking_39_every_call_of_the_node_client_arrives_once_without_a_retry(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy:
        report = await node_client(proxy.url, prefix="node")

        assert_six_calls(await rig.settled(), "node", library=LIBRARY)
        assert report["errors"] == []
        assert [(post.status, post.retries) for post in proxy.posts] == [(200, None)]


async def test_the_node_client_brings_every_event_through_faults_once(tmp_path: Path) -> None:
    faults = (Answer(429, {"Retry-After": "1"}), Answer(503), Cut(), Cut(after=False))
    async with rigging(tmp_path) as rig, proxying(rig.url, *faults) as proxy:
        report = await node_client(proxy.url, prefix="node", tracks=20, flushAt=50)

        events = await rig.settled()
        assert_six_calls(events, "node", library=LIBRARY)
        assert sorted(e["properties"]["n"] for e in events if e.get("event") == "Counted") == list(range(20))
        assert report["errors"] == []
        assert [(post.status, post.retries) for post in proxy.posts] == [
            (429, None),
            (503, "1"),
            (0, "2"),
            (0, "3"),
            (200, "4"),
        ]
        assert proxy.posts[1].at - proxy.posts[0].at >= 1.0


async def test_the_node_client_drops_what_is_refused_with_401(tmp_path: Path) -> None:
    async with rigging(tmp_path, server={"strict_write_keys": True}) as rig, proxying(rig.url) as proxy:
        report = await node_client(proxy.url, prefix="node", key="wk_other")

        assert await rig.settled() == []
        assert [post.status for post in proxy.posts] == [401]
        assert set(report["errors"]) == {"Error: [401] Unauthorized"}
