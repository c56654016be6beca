"""A router with sources of the kind `feed`, whose behaviour a test writes down as a function."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router import Accept, Duration, Secret, Settings, SourcePlugin, hookimpl
from router.admin.reload import Reloaded
from router.config.load import load
from router.delivery.clock import Clock
from router.telemetry.signals import Signal
from router.testing.running import Running


class FeedSettings(Settings, frozen=True):
    """What a feed is told."""

    word: str = "a"
    """Any word; "a" by default."""
    password: Secret = Secret("")
    """A secret; none by default."""


Reads = Callable[[Any, Accept], Awaitable[None]]


def feed_plugin(reads: Reads, made: list[Any]) -> object:
    """A plugin with a source kind `feed` that runs `reads(plugin, accept)`; every instance is added to `made`."""

    class Feed(SourcePlugin[FeedSettings]):
        """Reads what a test says."""

        kind = "feed"
        interval = Duration(10)

        def __init__(self, settings: FeedSettings, *, name: str) -> None:
            super().__init__(settings, name=name)
            self.was: list[str] = []

        async def open(self) -> None:
            made.append(self)
            self.was.append("opened")

        async def run(self, accept: Accept) -> None:
            await reads(self, accept)

        async def close(self) -> None:
            self.was.append("closed")

    class Plugin:
        """Registers it."""

        @hookimpl
        def register_sources(self) -> list[type[SourcePlugin[Any]]]:
            """Offer the source."""
            return [Feed]

    return Plugin()


class Feeding:
    """A router, what its feeds were, and what it said."""

    def __init__(self, rig: Running, made: list[Any]) -> None:
        self.rig = rig
        self.made = made
        self.heard: list[Signal] = []
        self._news = asyncio.Event()
        rig.signals.observe(self._hear)

    @property
    def troubles(self) -> dict[str, str]:
        """What the router says of its source plugins."""
        return self.rig.router.plugin_sources.troubles

    def of(self, kind: type[Any]) -> list[Any]:
        """The signals of a kind so far."""
        return [one for one in self.heard if isinstance(one, kind)]

    async def hears(self, kind: type[Any], count: int = 1) -> Any:
        """Wait for the signal of a kind with this number, counted from 1."""
        async with asyncio.timeout(10):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    async def reload(self, **sections: Any) -> Reloaded:
        """Change whole sections of the running configuration."""
        self.rig.config = {**self.rig.config, **sections}
        router = self.rig.router
        return await router.reload(load(self.rig.config, registry=router.registry))

    def _hear(self, signal: Signal) -> None:
        self.heard.append(signal)
        self._news.set()

    async def events(self, count: int) -> list[Any]:
        """The names of what reached the destination, once there are so many, and no more are on their way."""
        await self.rig.shelf.wait(count)
        await self.rig.drained()
        return [event["event"] for event in self.rig.delivered]


@asynccontextmanager
async def feeding(
    reads: Reads,
    *,
    sources: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    clock: Clock | None = None,
    kind: str = "memory",
    plugins: tuple[object, ...] = (),
    **config: Any,
) -> AsyncIterator[Feeding]:
    """Run a router with a source `orders` of the kind `feed`, and a destination that collects."""
    made: list[Any] = []
    sections = {"sources": sources or {"orders": {"kind": "feed"}}, "storage": {"kind": kind}, **config}
    rig = Running(sections, folder or Path(), clock, (feed_plugin(reads, made), *plugins))
    feeding = Feeding(rig, made)
    await rig.start()
    try:
        yield feeding
    finally:
        await rig.stop()


def track(name: str, **fields: Any) -> dict[str, Any]:
    """A call as a source hands it over."""
    return {"type": "track", "userId": "u1", "event": name, **fields}
