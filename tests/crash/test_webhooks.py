"""A kill between the answer to a vendor and the end of the function's run: no request is lost, none counts twice."""

import asyncio
import base64
from pathlib import Path

import aiohttp
import pytest

from router.storage.sqlite.store import SqliteStorage
from router.telemetry.conservation import all_sums
from tests.crash.process import RouterProcess
from tests.crash.sink import Sink
from tests.crash.test_source_plugin import in_stream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KEY = "hook-key"
KNOWN = {"Authorization": "Basic " + base64.b64encode(b"wk_drill:").decode()}
FUNCTION = """
async function onRequest(request) {
  const { n } = request.json();
  await new Promise((done) => setTimeout(done, 5));
  Segment.track({ event: String(n), userId: `u${n % 7}` });
}
"""
KILLS = ("EntriesAccepted:1", "EntriesAccepted:4", "BatchCommitted:2", "", "", "")
"""Signals at which it is killed: when calls are durable and their request is not finished, and so on; or any time."""
LIFE = 40


async def is_idle(router: RouterProcess, session: aiohttp.ClientSession) -> bool:
    """Whether no request waits for its function, and no call for processing."""
    async with session.get(router.url + "/metrics") as reply:
        text = await reply.text()
    return "router_side_waiting_entries{" not in text and "router_inbox_lag_events 0.0" in text


async def test_kills_at_any_moment_lose_and_repeat_no_request(tmp_path: Path, sink: Sink) -> None:
    router = RouterProcess(tmp_path, sink.url)
    (tmp_path / "shop.js").write_text(FUNCTION)
    section = f'\n[sources.shop]\nkind = "function"\nwrite_key = "{KEY}"\nrate_limit = 0\n'
    router.config.write_text(router.config.read_text() + section + f'settings.file = "{tmp_path}/shop.js"\n')
    answered: list[int] = []
    number = 0
    async with aiohttp.ClientSession() as vendor:
        for moment in KILLS:
            await router.start(KILL_AT=moment)
            lives = 0
            while router.is_alive and (moment or lives < LIFE):
                number += 1
                lives += 1
                try:
                    url = f"{router.url}/v1/functions/{KEY}"
                    async with vendor.post(url, json={"n": number}) as reply:
                        if reply.status == 200:
                            answered.append(number)
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
            await router.kill()

        await router.start()
        async with asyncio.timeout(60):
            while not await is_idle(router, vendor):
                await asyncio.sleep(0.05)
        assert await router.terminate() == 0
    router.close()

    found = await in_stream(tmp_path / "router.db")
    assert len(answered) > 2 * LIFE
    assert sorted(found) == sorted(set(found))
    assert set(answered) <= set(found)
    storage = SqliteStorage(path=tmp_path / "router.db")
    await storage.open()
    try:
        assert all(not one.missing for one in all_sums(await storage.books()))
        assert await storage.side_log.lanes() == ()
    finally:
        await storage.close()


INSERT = """
function onTrack(event) {
  event.properties.seen = true; // RetryError is named, so that events leave processing and come back
  return event;
}
"""


async def test_kills_at_any_moment_lose_and_repeat_no_event_that_left_processing(
    tmp_path: Path, sink: Sink
) -> None:
    router = RouterProcess(tmp_path, sink.url)
    (tmp_path / "insert.js").write_text(INSERT)
    section = '\n[transformations.insert]\nkind = "function"\nsources = ["drill"]\n'
    router.config.write_text(
        router.config.read_text() + section + f'settings.file = "{tmp_path}/insert.js"\n'
    )
    answered: list[int] = []
    number = 0
    async with aiohttp.ClientSession() as client:
        for moment in KILLS:
            await router.start(KILL_AT=moment)
            lives = 0
            while router.is_alive and (moment or lives < LIFE):
                lives += 1
                call = {"event": str(number), "userId": f"u{number % 7}", "messageId": f"m{number}"}
                try:
                    async with client.post(f"{router.url}/v1/track", json=call, headers=KNOWN) as reply:
                        if reply.status == 200:  # otherwise it is sent again, as a client does
                            answered.append(number)
                            number += 1
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
            await router.kill()

        await router.start()
        async with asyncio.timeout(60):
            while not await is_idle(router, client):
                await asyncio.sleep(0.05)
        assert await router.terminate() == 0
    router.close()

    found = await in_stream(tmp_path / "router.db")
    assert len(answered) > 2 * LIFE
    assert sorted(found) == sorted(set(found))
    assert set(answered) <= set(found)
    for user in range(7):
        own = [one for one in found if one % 7 == user]
        assert own == sorted(own)
    storage = SqliteStorage(path=tmp_path / "router.db")
    await storage.open()
    try:
        assert all(not one.missing for one in all_sums(await storage.books()))
    finally:
        await storage.close()
