"""What one sick destination costs its neighbours: in CPU, and in the time that events are under way."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from tests.bench.events import batch
from tests.bench.figure import Cost, Figure, ratio
from tests.bench.load import percentile, post_all
from tests.bench.process import Server, wait_until

DEAD = "http://127.0.0.1:9/hook"
"""The discard port: nobody listens."""
HEALTHY, OTHERS = 30, 20
POSTS, POST_EVENTS, POSTS_A_SECOND = 200, 10, 20
ROUNDS = 7


async def dead_neighbour(folder: Path) -> Figure:
    """CPU per event with four webhooks and a dead one, against four webhooks alone."""
    with ExitStack() as stack:
        with_dead, without = [
            _fleet(stack, folder / name, dead) for name, dead in (("five", [DEAD]), ("four", []))
        ]
        await with_dead()
        await without()
        found, one, other = await ratio(with_dead, without, rounds=ROUNDS)
    return Figure(
        "CPU per event, four webhooks and a dead one / four webhooks",
        found,
        1.02,
        "×",
        detail=f"{one:.1f} / {other:.1f} µs",
    )


def _fleet(stack: ExitStack, folder: Path, dead: list[str]) -> Cost:
    """A router with four webhooks that work, and those of `dead`."""
    folder.mkdir()
    sink = stack.enter_context(Server("sink", folder))
    hooks = [f"{sink.url}/hook{number}" for number in range(4)]
    router = stack.enter_context(Server("router", folder, *hooks, *dead))
    requests, total = 150, 0

    async def measure() -> float:
        nonlocal total
        bodies = [batch(100) for _ in range(requests)]
        total += requests * 100 * len(hooks)
        before = router.cpu
        await post_all(router.url + "/v1/batch", iter(bodies), connections=8)
        await wait_until(sink.url, lambda text: int(text) >= total, timeout=120)
        return (router.cpu - before) / (requests * 100) * 1e6

    return measure


async def fairness(folder: Path) -> Figure:
    """Time under way to thirty healthy webhooks: twenty more are sick (ten dead, ten slow), or healthy too."""
    with ExitStack() as stack:
        sink = stack.enter_context(Server("sink", folder))
        healthy = [f"{sink.url}/timed/{number}" for number in range(HEALTHY)]
        slow = [f"{sink.url}/slow/{number}" for number in range(OTHERS // 2)]
        well = [f"{sink.url}/other/{number}" for number in range(OTHERS)]
        urls = []
        for name, others in (("sick", slow + [DEAD] * (OTHERS // 2)), ("well", well)):
            (folder / name).mkdir()
            urls.append(stack.enter_context(Server("router", folder / name, *healthy, *others)).url)
        p99 = []
        for url in urls:
            p99.append(_percentile_of(url, sink.url, 0.99))
        await p99[0]()
        await p99[1]()
        found, one, other = await ratio(*p99, rounds=ROUNDS)
    return Figure(
        "p99 of 30 healthy destinations, 20 sick beside them / 20 healthy",
        found,
        1.1,
        "×",
        detail=f"{one:.1f} / {other:.1f} ms from receipt to the destination",
    )


def _percentile_of(url: str, sink: str, share: float) -> Cost:
    async def measure() -> float:
        for _ in range(POSTS):
            started = asyncio.get_running_loop().time()
            await post_all(url + "/v1/batch", iter([batch(POST_EVENTS)]), connections=1)
            await asyncio.sleep(max(0.0, 1 / POSTS_A_SECOND - (asyncio.get_running_loop().time() - started)))
        times: list[float] = []
        while len(times) < POSTS * POST_EVENTS * HEALTHY:
            times += await _times(sink)
            await asyncio.sleep(0.05)
        return percentile(times, share)

    return measure


async def _times(sink: str) -> Sequence[float]:
    async with aiohttp.ClientSession() as session, session.get(sink + "/times") as answer:
        return [float(one) for one in (await answer.text()).split()]
