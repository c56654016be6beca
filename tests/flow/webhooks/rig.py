"""A router with a source `shop` whose function is written in the test, and vendors that send it requests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.admin.reload import Reloaded
from router.config.load import load
from router.delivery.clock import Clock
from router.telemetry.signals import Signal
from router.testing.running import Running
from tests.flow.tracking.client import Reply, ask

KEY = "hook-key"
TRACKS = """
async function onRequest(request, settings) {
  const order = request.json();
  Segment.track({ event: order.event ?? "Order", userId: order.user ?? "u1", properties: { total: order.total } });
}
"""


def function(code: str = TRACKS, **settings: Any) -> dict[str, Any]:
    """A section of a source with a function."""
    return {"kind": "function", "write_key": KEY, "settings": {"code": code, **settings}}


class Hooked:
    """A router, and what it said."""

    def __init__(self, rig: Running) -> None:
        self.rig = rig
        self.heard: list[Signal] = []
        self._news = asyncio.Event()
        rig.signals.observe(self._hear)

    async def post(
        self,
        body: Any,
        path: str = f"/v1/functions/{KEY}",
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Reply:
        """Send a request as a vendor does."""
        return await ask(
            self.rig,
            path,
            body,
            method=method,
            headers={"Content-Type": "application/json", **(headers or {})},
        )

    async def hears(self, kind: type[Any], count: int = 1) -> Any:
        """Wait for the signal of a kind with this number, counted from 1."""
        async with asyncio.timeout(10):
            while len(found := [one for one in self.heard if isinstance(one, kind)]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    async def events(self, count: int) -> list[dict[str, Any]]:
        """What reached the destination, once there are so many, and no more are on their way."""
        await self.rig.shelf.wait(count)
        await self.rig.drained()
        return self.rig.delivered

    async def reload(self, **sections: Any) -> Reloaded:
        """Change whole sections of the running configuration."""
        self.rig.config = {**self.rig.config, **sections}
        router = self.rig.router
        return await router.reload(load(self.rig.config, registry=router.registry))

    async def waiting(self) -> dict[str, int]:
        """How much waits in each lane."""
        return {one.name: one.waiting for one in await self.rig.router.storage.side_log.lanes()}

    async def emptied(self) -> None:
        """Return once nothing waits."""
        async with asyncio.timeout(10):
            while await self.waiting():
                await asyncio.sleep(0)

    async def counts(self) -> dict[tuple[str, ...], int]:
        """The counters that are not zero."""
        return {name: amount for name, amount in (await self.rig.counters()).items() if amount}

    def _hear(self, signal: Signal) -> None:
        self.heard.append(signal)
        self._news.set()


@asynccontextmanager
async def hooked(
    shop: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    clock: Clock | None = None,
    kind: str = "memory",
    plugins: tuple[object, ...] = (),
    sources: Mapping[str, Any] | None = None,
    **config: Any,
) -> AsyncIterator[Hooked]:
    """Run a router with a source `shop`."""
    sections = {
        "sources": {"shop": shop or function(), **(sources or {})},
        "storage": {"kind": kind},
        **config,
    }
    rig = Running(sections, folder or Path(), clock, plugins)
    made = Hooked(rig)
    await rig.start()
    try:
        yield made
    finally:
        await rig.stop()
