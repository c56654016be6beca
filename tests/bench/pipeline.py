"""A whole router with more to do, beside a plain one: the same browser events through both, delivered."""

from pathlib import Path

from tests.bench.events import browser
from tests.bench.figure import Cost, Figure, ratio
from tests.bench.load import post_all
from tests.bench.process import Server, wait_until

REQUESTS = 200
"""Of a hundred events each."""


async def processed(folder: Path) -> Figure:
    """What the features of processing cost together."""
    name = "CPU per delivered browser event: plan, three enrichments, filter, steps / none of it"
    return await beside_plain(folder, "processed", name, 1.6)


async def beside_plain(folder: Path, kind: str, name: str, target: float) -> Figure:
    """How much more CPU an event takes in a router of this kind (`tests.bench.servers`)."""
    for part in ("plain", kind):
        (folder / part).mkdir()
    with (
        Server("sink", folder) as sink,
        Server("router", folder / "plain", sink.url + "/hook") as plain,
        Server(kind, folder / kind, sink.url + "/hook") as other,
    ):
        total = 0

        def cost(server: Server) -> Cost:
            async def measure() -> float:
                nonlocal total
                bodies = [browser(100) for _ in range(REQUESTS)]
                total += REQUESTS * 100
                before = server.cpu
                await post_all(server.url + "/v1/batch", iter(bodies), connections=8)
                await wait_until(sink.url, lambda text: int(text) >= total, timeout=120)
                return (server.cpu - before) / (REQUESTS * 100) * 1e6

            return measure

        await cost(plain)()
        await cost(other)()
        found, one, beside = await ratio(cost(other), cost(plain))
    return Figure(name, found, target, "×", detail=f"{one:.2f} / {beside:.2f} µs")
