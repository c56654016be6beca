"""segment-analytics-python 2.4.0, unmodified: only `host` is set."""

from pathlib import Path

import pytest

from tests.compat.expected import assert_six_calls
from tests.compat.proxy import Answer, Cut, proxying
from tests.compat.rig import python_client, rigging

LIBRARY = "analytics-python"

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
async def test_tracking_39_every_call_of_the_python_client_arrives_once_without_a_retry(
    tmp_path: Path, gzip: bool
) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy:
        report = await python_client(proxy.url, prefix="py", gzip=gzip)

        assert_six_calls(await rig.settled(), "py", library=LIBRARY)
        assert report["errors"] == []
        assert [(post.status, post.retries) for post in proxy.posts] == [(200, None)]
        assert proxy.posts[0].headers.get("content-encoding") == ("gzip" if gzip else None)


async def test_null_fields_of_the_python_client_count_as_absent(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy:
        await python_client(proxy.url, prefix="py")

        sent = {event["type"]: event for event in proxy.posts[0].body["batch"]}
        assert (sent["screen"]["userId"], sent["screen"]["category"]) == (None, None)
        assert_six_calls(await rig.settled(), "py", library=LIBRARY)


async def test_every_call_of_the_synchronous_python_client_arrives_once(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy:
        await python_client(proxy.url, prefix="py", sync_mode=True, gzip=True)

        assert_six_calls(await rig.settled(), "py", library=LIBRARY)
        assert [post.status for post in proxy.posts] == [200] * 6


async def test_the_python_client_brings_every_event_through_faults_once(tmp_path: Path) -> None:
    faults = (Answer(503), Answer(429, {"Retry-After": "1"}), Cut(), Cut(after=False))
    async with rigging(tmp_path) as rig, proxying(rig.url, *faults) as proxy:
        report = await python_client(proxy.url, prefix="py", tracks=20, gzip=True)

        events = await rig.settled()
        assert_six_calls(events, "py", library=LIBRARY)
        assert sorted(e["properties"]["n"] for e in events if e.get("event") == "Counted") == list(range(20))
        assert report["errors"] == []
        assert {503, 429, 0, 200} == {post.status for post in proxy.posts}


async def test_full_batches_of_the_python_client_are_taken(tmp_path: Path) -> None:
    async with rigging(tmp_path) as rig, proxying(rig.url) as proxy:
        report = await python_client(proxy.url, prefix="py", tracks=1000)

        events = await rig.settled()
        assert len(events) == 1006
        assert report["errors"] == []
        assert {post.status for post in proxy.posts} == {200}
