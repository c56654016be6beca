"""An outage is over: how fast a million events that waited for a destination reach it, and what memory that takes."""

import asyncio
import time
from pathlib import Path

import aiohttp

from tests.bench.events import batches
from tests.bench.figure import Figure
from tests.bench.load import post_all
from tests.bench.process import Server

CAME_IN = 5_000
"""Events per second at which the backlog is taken to have come in."""
TIMES = 3
BATCH = 100
MIB = 1 << 20
MINUTES = 10 * 60


async def recovery_figures(folder: Path, events: int) -> list[Figure]:
    """Events per second while the backlog goes out, and the most memory beside that of the idle router."""
    with Server("sink", folder) as sink, Server("router", folder, sink.url + "/hook") as router:
        idle = router.resident
        await _tell(sink.url + "/down")
        await post_all(router.url + "/v1/batch", batches(events // BATCH, BATCH), connections=8)
        waiting = router.resident
        cpu, started = router.cpu, time.monotonic()
        await _tell(sink.url + "/up")
        most, done = waiting, 0
        while done < events and time.monotonic() - started < MINUTES:
            await asyncio.sleep(0.25)
            most = max(most, router.resident)
            done = int(await _tell(sink.url + "/count"))
        seconds = time.monotonic() - started
        cost = (router.cpu - cpu) / done * 1e6
    return [
        Figure(
            "events per second after an outage",
            done / seconds,
            TIMES * CAME_IN,
            "events/s",
            "≥",
            f"{events:,} events waited; {cost:.1f} µs CPU an event; the pause's last wait included",
        ),
        Figure(
            "memory during recovery / idle",
            most / idle,
            2,
            "×",
            detail=f"{most / MIB:.0f} / {idle / MIB:.0f} MB; {waiting / MIB:.0f} MB with the backlog waiting",
        ),
    ]


async def _tell(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()
