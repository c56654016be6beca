"""A whole router for a test: real doors on a free port, a real store in a temporary folder, events collected."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.app import Router
from router.config.load import load
from router.delivery.clock import Clock
from router.plugins.registry import Registry
from router.telemetry.signals import Signals
from router.testing.collect import Shelf, collect_plugin

DEFAULT_SOURCES = {"website": {"write_key": "wk_demo"}}


class Running:
    """A running router with a destination `collect` that keeps what it gets."""

    def __init__(
        self, config: Mapping[str, Any], folder: Path, clock: Clock | None, plugins: Sequence[object] = ()
    ) -> None:
        self._clock = clock
        self._plugins = plugins
        self.shelf = Shelf()
        """What reached the `collect` destination; `await shelf.wait(n)`."""
        self.config = {
            "sources": DEFAULT_SOURCES,
            **config,
            "server": {"port": 0, **config.get("server", {})},
            "storage": {"path": str(folder / "router.db"), "free_floor": 0, **config.get("storage", {})},
            "destinations": {"collect": {"kind": "collect"}, **config.get("destinations", {})},
        }
        self.signals = Signals()
        self.router: Router

    async def start(self) -> None:
        """Start the router; the collected events of an earlier start stay."""
        registry = Registry.load()
        for plugin in (collect_plugin(self.shelf), *self._plugins):
            registry = registry.with_plugin(plugin)
        self.router = Router(
            load(self.config, registry=registry),
            registry=registry,
            signals=self.signals,
            clock=self._clock,
        )
        await self.router.__aenter__()

    async def stop(self) -> None:
        """Stop the router as SIGTERM does."""
        await self.router.__aexit__(None, None, None)

    async def restart(self) -> None:
        """Stop it and start it on the same store."""
        await self.stop()
        await self.start()

    @property
    def url(self) -> str:
        """Where the doors are."""
        return self.router.url

    @property
    def port(self) -> int:
        """The port of the doors."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def delivered(self) -> list[dict[str, Any]]:
        """The stored form of every event that reached `collect`, in order."""
        return self.shelf.events

    async def drained(self) -> None:
        """Return once everything accepted is finished at every destination."""
        await self.router.drained()

    async def counters(self) -> dict[tuple[str, ...], int]:
        """Every counter, also what no commit has carried yet."""
        return await self.router.counters()


@asynccontextmanager
async def running(
    config: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    clock: Clock | None = None,
    plugins: Sequence[object] = (),
) -> AsyncIterator[Running]:
    """Run a router on 127.0.0.1 with `config` in the shape of router.toml; by default source `website`, `wk_demo`.

    `plugins` are loaded beside those that are installed: modules or objects with hooks.
    """
    with tempfile.TemporaryDirectory() as temporary:
        rig = Running(config or {}, folder or Path(temporary), clock, plugins)
        await rig.start()
        try:
            yield rig
        finally:
            await rig.stop()
