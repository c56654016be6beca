"""How long the Profile API takes while events come in.

    python -m tests.bench.profile_api [seconds] [events a second]

A whole router with profiles in a process of its own gets batches of a hundred events at an even pace, of 100,000
users; two thousand of them have fifty traits each. Fifty questions a second, half the limit of a space, go through
all endpoints in turn, each at some moment of its fiftieth. Shown are the percentiles of each, beside those of a router
that has nothing else to do.
"""

import asyncio
import base64
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import msgspec

from tests.bench.events import batch
from tests.bench.load import percentile, post_all
from tests.bench.process import Server

TOKEN = "pt_bench"
USERS = 2000
TRAITS = 50
QUESTIONS = 50
BATCH = 100
ENDPOINTS = {
    "traits": "/traits?limit=200",
    "external_ids": "/external_ids",
    "metadata": "/metadata",
    "events": "/events",
    "rare events": "/events?include=Nothing",
}


def identifies(first: int) -> bytes:
    """A batch of identify calls with fifty traits each."""
    calls = [
        {
            "type": "identify",
            "userId": f"user-{user:06d}",
            "traits": {
                "email": f"{user}@x.io",
                **{f"trait_{one:02d}": f"{user}-{one}" for one in range(TRAITS - 1)},
            },
        }
        for user in range(first, first + BATCH)
    ]
    return msgspec.json.encode({"batch": calls, "writeKey": "wk_bench"})


def batches(rate: int, seconds: float) -> list[bytes]:
    """As many as are posted in that time; made beforehand, since who makes one hears no answer meanwhile."""
    return [batch(BATCH) for _ in range(int(seconds * rate / BATCH))]


async def feed(url: str, rate: int, bodies: Iterable[bytes]) -> None:
    """Post batches at an even pace."""
    started = time.monotonic()
    for number, body in enumerate(bodies):
        due = started + number * BATCH / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await post_all(url + "/v1/batch", iter([body]), connections=1)


async def ask(url: str, seconds: float) -> dict[str, list[float]]:
    """Ask at an even pace; the latencies in milliseconds, by endpoint."""
    times: dict[str, list[float]] = {name: [] for name in ENDPOINTS}
    chance = random.Random(7)  # or the questions would keep step with the batches
    headers = {"Authorization": "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode()}
    started = time.monotonic()
    async with aiohttp.ClientSession(headers=headers) as session:

        async def once(name: str, path: str) -> None:
            begun = time.perf_counter()
            async with session.get(url + path) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path} answered {answer.status}")
            times[name].append((time.perf_counter() - begun) * 1000)

        async with asyncio.TaskGroup() as group:
            for number, (name, path) in enumerate(itertools.cycle(ENDPOINTS.items())):
                due = started + (number + chance.random()) / QUESTIONS
                if due > started + seconds:
                    break
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                user = number * 7 % USERS
                root = f"/v1/spaces/default/collections/users/profiles/user_id:user-{user:06d}"
                group.create_task(once(name, root + path))
    return times


def show(what: str, times: dict[str, list[float]]) -> None:
    """Write a table."""
    print(what)
    for name, values in {**times, "all": [one for some in times.values() for one in some]}.items():
        shares = " ".join(
            f"p{share * 100:g} {percentile(values, share):6.2f} ms" for share in (0.5, 0.95, 0.99)
        )
        print(f"  {name:13} {shares}   {len(values)} questions")


async def main(seconds: float, rate: int) -> None:
    """Measure at rest, then under load."""
    with tempfile.TemporaryDirectory() as temporary, Server("profiles", Path(temporary)) as server:
        users = (identifies(first) for first in range(0, USERS, BATCH))
        await post_all(server.url + "/v1/batch", users, connections=1)
        await feed(server.url, rate, batches(rate, seconds))  # so that there is a stream to search
        await asyncio.sleep(3)
        show("nothing else to do", await ask(server.url, seconds))
        bodies = batches(rate, seconds + 2)
        before, started = server.cpu, time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(feed(server.url, rate, bodies))
            asking = group.create_task(ask(server.url, seconds))
        show(f"{rate} events/s", asking.result())
        print(f"  the router used {(server.cpu - before) / (time.monotonic() - started):.0%} of a core")


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(main(float(given[0]) if given else 20.0, int(given[1]) if len(given) > 1 else 2000))
