"""`make bench`: every figure beside what it is compared with, in one run, alternating.

CPU per event and ratios are what counts; wall times are shown for the record. Writes `bench.json` and a table.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.bench.backlog import backlog_figures
from tests.bench.enriching import enrichment_figures
from tests.bench.events import batch, ecommerce
from tests.bench.figure import Cost, Figure, ratio
from tests.bench.identity import identity_figures
from tests.bench.load import percentile, post_all
from tests.bench.neighbours import dead_neighbour, fairness
from tests.bench.pipeline import processed
from tests.bench.plans import plan_figures
from tests.bench.privacy import privacy_figures
from tests.bench.process import Server, wait_until
from tests.bench.profiles import profile_figures
from tests.bench.recovery import recovery_figures
from tests.bench.routing import routing_figures
from tests.bench.seen_ids import seen_figures
from tests.bench.transforming import transforming_figures


def cost_of_posts(server: Server, path: str, *, requests: int, size: int, connections: int) -> Cost:
    """CPU microseconds of the server per event, over `requests` posts of `size` events."""

    async def measure() -> float:
        bodies = [batch(size) if size > 1 else b"" for _ in range(requests)]
        if size == 1:
            bodies = [_single() for _ in range(requests)]
        before = server.cpu
        await post_all(server.url + path, iter(bodies), connections=connections)
        return (server.cpu - before) / (requests * size) * 1e6

    return measure


def _single() -> bytes:
    return ecommerce()[:-1] + b',"writeKey":"wk_bench"}'


async def single_ack(folder: Path) -> Figure:
    """One event, one request, one durable answer."""
    with Server("accept", folder) as ours, Server("bare", folder) as bare:
        post = {"requests": 6000, "size": 1, "connections": 64}
        warm = {"requests": 500, "size": 1, "connections": 64}
        await cost_of_posts(ours, "/v1/track", **warm)()
        await cost_of_posts(bare, "/v1/track", **warm)()
        found, one, other = await ratio(
            cost_of_posts(ours, "/v1/track", **post), cost_of_posts(bare, "/v1/track", **post)
        )
    return Figure(
        "CPU per single-event durable ack / bare aiohttp",
        found,
        1.5,
        "×",
        detail=f"{one:.1f} / {other:.1f} µs",
    )


async def batch_accept(folder: Path) -> Figure:
    """A hundred events in a request, kept."""
    with Server("accept", folder) as ours, Server("fdatasync", folder) as file:
        post = {"requests": 400, "size": 100, "connections": 8}
        await cost_of_posts(ours, "/v1/batch", requests=40, size=100, connections=8)()
        await cost_of_posts(file, "/v1/batch", requests=40, size=100, connections=8)()
        found, one, other = await ratio(
            cost_of_posts(ours, "/v1/batch", **post), cost_of_posts(file, "/v1/batch", **post)
        )
    return Figure(
        "CPU per event, 100-event post accepted / file with fdatasync",
        found,
        1.6,
        "×",
        detail=f"{one:.2f} / {other:.2f} µs",
    )


async def delivered(folder: Path) -> list[Figure]:
    """Hundred in, hundred out: cost, throughput and the latency of the answer."""
    requests = 400
    with Server("sink", folder) as sink, Server("router", folder, sink.url + "/hook") as ours:
        total = 0
        latencies: list[float] = []
        walls: list[float] = []

        async def deliver() -> float:
            nonlocal total
            bodies = [batch(100) for _ in range(requests)]
            total += requests * 100
            before, started = ours.cpu, time.perf_counter()
            latencies.extend(await post_all(ours.url + "/v1/batch", iter(bodies), connections=8))
            await wait_until(sink.url, lambda text: int(text) >= total, timeout=120)
            walls.append(time.perf_counter() - started)
            return (ours.cpu - before) / (requests * 100) * 1e6

        async def codec() -> float:
            events = [ecommerce() for _ in range(5000)]
            started = time.process_time()
            for event in events:
                decoded = msgspec.json.decode(event)
                decoded["receivedAt"] = "2026-11-23T10:00:02.000Z"
                decoded["version"] = 2
                msgspec.json.encode(decoded)
            return (time.process_time() - started) / len(events) * 1e6

        await deliver()
        latencies.clear()
        walls.clear()
        found, one, other = await ratio(deliver, codec)
    rate = requests * 100 / statistics.median(walls)
    p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    return [
        Figure(
            "CPU per delivered event / decode, two keys, encode",
            found,
            2.5,
            "×",
            detail=f"{one:.2f} / {other:.2f} µs",
        ),
        Figure(
            "events per second end to end",
            rate,
            20_000,
            "events/s",
            "≥",
            f"ack p50 {p50:.1f} ms, p99 {p99:.1f} ms at full load",
        ),
    ]


def show(figures: list[Figure]) -> None:
    """Print the table and write bench.json."""
    table = Table("figure", "value", "target", "", "detail", title="984-byte ecommerce event")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.2f} {figure.unit}",
            f"{figure.better} {figure.target:,g}",
            "met" if figure.is_met else "NOT MET",
            figure.detail,
        )
    Console(width=150).print(table)
    Path("bench.json").write_text(
        json.dumps([{**msgspec.to_builtins(figure), "met": figure.is_met} for figure in figures], indent=1)
    )


async def main() -> None:
    """Measure what was asked for, or everything."""
    rows = {
        "single": single_ack,
        "batch": batch_accept,
        "delivered": delivered,
        "enriched": enrichment_figures,
        "processed": processed,
        "privacy": privacy_figures,
        "neighbour": dead_neighbour,
        "fairness": fairness,
        "routing": None,
        "plans": plan_figures,
        "recovery": None,
        "backlog": None,
        "seen": None,
        "transforming": transforming_figures,
        "identity": identity_figures,
        "profiles": None,
    }
    parser = argparse.ArgumentParser(description="Measure the router beside what it is compared with.")
    parser.add_argument("rows", nargs="*", choices=[[], *rows], help="default: all")
    parser.add_argument("--ids", type=int, default=20_000_000, help="message ids in the window")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="events behind a dead destination")
    parser.add_argument("--profiles", type=int, default=5_000_000, help="profiles in the graph of millions")
    options = parser.parse_args()
    wanted = options.rows or list(rows)
    figures: list[Figure] = []
    for name in wanted:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            if name == "seen":
                figures += [Figure(*row) for row in await seen_figures(folder, options.ids)]
            elif name == "routing":
                figures += await routing_figures()
            elif name == "profiles":
                figures += [Figure(*row) for row in await profile_figures(folder, options.profiles)]
            elif name == "recovery":
                figures += await recovery_figures(folder, options.backlog)
            elif name == "backlog":
                figures += [
                    Figure(*row) for row in await backlog_figures(folder, options.backlog, options.ids)
                ]
            else:
                found = await rows[name](folder)  # type: ignore[misc]
                figures += found if isinstance(found, list) else [found]
        show(figures)


if __name__ == "__main__":
    asyncio.run(main())
