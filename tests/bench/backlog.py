"""Memory while a destination is dead and a million events wait behind it; and the start after a kill."""

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.bench.events import batches
from tests.bench.load import post_all
from tests.bench.process import Server
from tests.bench.seen_ids import Row, fill_elsewhere

DEAD = "http://127.0.0.1:9/hook"
"""The discard port: nobody listens."""
BATCH = 100
MIB = 1 << 20


async def backlog_figures(folder: Path, events: int, ids: int) -> list[Row]:
    """Idle memory, memory with the backlog, its growth over the second half, and the time to an open door."""
    await fill_elsewhere(folder, ids)
    peaks: list[float] = []
    with Server("router", folder, DEAD) as server:
        idle_folder = folder / "idle"
        idle_folder.mkdir()
        with Server("router", idle_folder, DEAD) as empty:
            idle = empty.resident
        portion = events // 10
        for _ in range(10):
            await post_all(server.url + "/v1/batch", batches(portion // BATCH, BATCH), connections=8)
            peaks.append(server.resident)
        server.kill()
        opened = time.monotonic()
        with Server("router", folder, DEAD) as again:
            await _answers(again.url)
            ready = time.monotonic() - opened
    backlog = max(peaks)
    growth = peaks[-1] / peaks[4]
    return [
        ("resident memory idle", idle / MIB, 120, "MB", "≤", ""),
        (
            "resident memory with the backlog",
            backlog / MIB,
            300,
            "MB",
            "≤",
            f"{events:,} events behind a dead destination, {ids:,} ids in the window",
        ),
        ("… at the end / at half of it (flat is 1)", growth, 1.1, "×", "≤", ""),
        (
            "from kill -9 to an answering door",
            ready,
            2.0,
            "s",
            "≤",
            f"process start included; {events:,} events behind, {ids:,} ids",
        ),
    ]


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url + "/health") as answer:
                if answer.status in (200, 503):
                    return
            await asyncio.sleep(0.01)
