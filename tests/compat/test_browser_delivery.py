"""@segment/analytics-next 1.84.3 in Chromium: batches, refusals, retries, a tab that closes."""

from pathlib import Path

import pytest

from tests.compat.browser import npm_page, visiting
from tests.compat.peers import needs_chromium
from tests.compat.proxy import Answer, Cut, proxying
from tests.compat.rig import rigging

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_chromium]


def batching(size: int, timeout: int = 1000) -> str:
    """Load options that switch to batches of `size`."""
    config = f"{{size: {size}, timeout: {timeout}}}"
    strategy = f'{{strategy: "batching", config: {config}}}'
    return f'{{integrations: {{"Segment.io": {{deliveryStrategy: {strategy}}}}}}}'


TRACKS = "async () => { for (let n = 0; n < %d; n++) await analytics.track('Counted', {n}) }"


async def test_browser_9_batches_of_three_arrive_as_three_and_one(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url) as proxy,
        visiting(npm_page(proxy.url, options=batching(3))) as visit,
    ):
        await visit.open()
        await visit.run(TRACKS % 4)
        await rig.recorder.wait(lambda events: len(events) >= 4)

        events = await rig.settled()
        assert sorted(event["properties"]["n"] for event in events) == [0, 1, 2, 3]
        assert [(post.path, len(post.body["batch"])) for post in proxy.posts] == [("/v1/b", 3), ("/v1/b", 1)]
        assert not any("writeKey" in event for event in events)


async def test_browser_11_a_429_is_obeyed_and_one_event_is_stored(tmp_path: Path) -> None:
    fault = Answer(429, {"Retry-After": "2"})
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url, fault) as proxy,
        visiting(npm_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run("analytics.track('Counted')")
        await rig.recorder.wait(lambda events: len(events) >= 1)

        assert len(await rig.settled()) == 1
        assert [(post.status, post.retries) for post in proxy.posts] == [(429, None), (200, "1")]
        assert proxy.posts[1].at - proxy.posts[0].at >= 2.0


async def test_browser_12_a_400_is_not_retried(tmp_path: Path) -> None:
    faults = (Answer(400), Answer(429, {"Retry-After": "2"}))
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url, *faults) as proxy,
        visiting(npm_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run("analytics.track('Refused')")
        await visit.run("analytics.track('Taken two seconds later')")
        await rig.recorder.wait(lambda events: len(events) >= 1)

        assert [event["event"] for event in await rig.settled()] == ["Taken two seconds later"]
        assert [post.status for post in proxy.posts] == [400, 429, 200]


async def test_the_standard_form_brings_every_event_through_faults_once(tmp_path: Path) -> None:
    faults = (Answer(503), Cut(), Answer(429, {"Retry-After": "1"}), Cut(after=False))
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url, *faults) as proxy,
        visiting(npm_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run(TRACKS % 6)
        await rig.recorder.wait(lambda events: len(events) >= 6)

        events = await rig.settled()
        assert sorted(event["properties"]["n"] for event in events) == list(range(6))


async def test_batches_come_through_faults_once(tmp_path: Path) -> None:
    faults = (Answer(503), Cut(), Answer(429, {"Retry-After": "1"}))
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url, *faults) as proxy,
        visiting(npm_page(proxy.url, options=batching(3))) as visit,
    ):
        await visit.open()
        await visit.run(TRACKS % 7)
        await rig.recorder.wait(lambda events: len(events) >= 7)

        events = await rig.settled()
        assert sorted(event["properties"]["n"] for event in events) == list(range(7))


async def test_the_routers_own_rate_limit_loses_nothing(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path, source={"rate_limit": 2}) as rig,
        proxying(rig.url) as proxy,
        visiting(npm_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run(TRACKS % 8)
        await rig.recorder.wait(lambda events: len(events) >= 8)

        assert 429 in {post.status for post in proxy.posts}
        assert sorted(event["properties"]["n"] for event in rig.recorder.events) == list(range(8))
        assert rig.recorder.copies() == []


async def test_what_waits_in_a_batch_is_sent_when_the_tab_leaves(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url) as proxy,
        visiting(npm_page(proxy.url, options=batching(10, timeout=600_000))) as visit,
    ):
        await visit.open()
        await visit.run(TRACKS % 7)
        await visit.page.goto("about:blank")
        await rig.recorder.wait(lambda events: len(events) >= 7)

        assert len(await rig.settled()) == 7


async def test_an_event_that_could_not_be_sent_comes_with_the_next_page(tmp_path: Path) -> None:
    async with (
        rigging(tmp_path) as rig,
        proxying(rig.url, *[Answer(503)] * 100) as proxy,
        visiting(npm_page(proxy.url)) as visit,
    ):
        await visit.open()
        await visit.run("analytics.track('Late')")
        await visit.page.goto("about:blank")
        assert await rig.settled() == []
        proxy.faults.clear()
        await visit.open()
        await rig.recorder.wait(lambda events: any(event["event"] == "Late" for event in events))

        assert [event["event"] for event in await rig.settled()] == ["Late"]
