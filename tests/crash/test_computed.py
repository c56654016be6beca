"""Every event counts exactly once in a computed trait, whenever the process is killed."""

import asyncio
import itertools
import random
from collections import defaultdict
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests.crash.process import RouterProcess
from tests.crash.sink import Sink

RULES = """
[identity.traits.orders]
kind = "count"
event = "Order"

[identity.traits.spent]
kind = "sum"
event = "Order"
property = "total"

[identity.audiences.regulars]
condition = "traits.orders >= 5"
send = ["track"]
"""
KILLS = 8
USERS = 3
LONGEST_LIFE = 3.0


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_every_event_counts_once_whenever_the_router_is_killed(tmp_path: Path, sink: Sink) -> None:
    chance = random.Random(20261129)
    router = RouterProcess(tmp_path, sink.url)
    router.config.write_text(router.config.read_text() + RULES)
    numbers = itertools.count()
    sent: dict[str, set[str]] = defaultdict(set)

    async def post(session: aiohttp.ClientSession) -> None:
        while True:
            batch = []
            for number in itertools.islice(numbers, 10):
                user = f"u{number % USERS}"
                batch.append(
                    {
                        "type": "track",
                        "event": "Order",
                        "userId": user,
                        "messageId": f"m{number}",
                        "properties": {"total": 0.1},
                    }
                )
                sent[user].add(f"m{number}")
            body = msgspec.json.encode({"writeKey": "wk_drill", "batch": batch})
            while not await _is_taken(session, router.url, body):
                await asyncio.sleep(0.02)

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
        asyncio.TaskGroup() as tasks,
    ):
        posting = tasks.create_task(post(session))
        for _ in range(KILLS):
            signal = chance.choice(("BatchCommitted", "EntriesAccepted", "BatchDelivered"))
            await router.start(KILL_AT=f"{signal}:{chance.randint(1, 6)}")
            try:
                await asyncio.wait_for(router.ended(), LONGEST_LIFE)
            except TimeoutError:
                pass  # the signal did not come that often; the kill below ends this life
            await router.kill()
        await router.start()
        posting.cancel()
    wanted = {user: len(ids) for user, ids in sent.items()}
    wanted = await _settled(sink, wanted)
    await router.kill()
    router.close()

    told = defaultdict(list)
    entered = defaultdict(int)
    for event in sink.events.values():
        if event["type"] == "identify":
            for name, value in event["traits"].items():
                told[event["userId"], name].append(value)
        elif event["event"] == "Audience Entered":
            entered[event["userId"]] += 1
    for user, count in wanted.items():
        assert count > 5
        assert sorted(told[user, "orders"]) == list(range(1, count + 1))
        assert max(told[user, "spent"]) == round(count / 10, 9)
        assert entered[user] == 1


async def _settled(sink: Sink, most: dict[str, int]) -> dict[str, int]:
    """How many orders of each user arrived, once nothing more comes; the last batch may never have been taken."""
    try:
        while True:
            await asyncio.wait_for(sink.more(), 3)
    except TimeoutError:
        pass
    arrived: dict[str, int] = dict.fromkeys(most, 0)
    for event in sink.events.values():
        if event["type"] == "track" and event["event"] == "Order":
            arrived[event["userId"]] += 1
    assert all(most[user] - 10 <= count <= most[user] for user, count in arrived.items())
    return arrived


async def _is_taken(session: aiohttp.ClientSession, url: str, body: bytes) -> bool:
    try:
        async with session.post(url + "/v1/batch", data=body) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
