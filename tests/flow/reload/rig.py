"""A router whose configuration is changed while it runs, and the sums that must hold meanwhile."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.admin.reload import Reloaded
from router.config.load import load
from router.config.model import Config
from router.plugins.registry import Registry
from router.storage.store import DestinationState
from router.telemetry.conservation import conservation
from router.telemetry.signals import Signal
from router.testing.running import Running, running

Sections = Mapping[str, Mapping[str, Any]]


def hook(url: str, **options: Any) -> dict[str, Any]:
    """A section of the kind webhook."""
    retry = {"first": "1ms", "max": "1ms", "timeout": "5s"}
    return {"kind": "webhook", "settings": {"url": url}, "retry": retry, **options}


class Reloading:
    """A running router and what it said."""

    def __init__(self, rig: Running) -> None:
        self.rig = rig
        self.heard: list[Signal] = []
        rig.signals.observe(self.heard.append)

    async def reload(self, *, registry: Registry | None = None, **sections: Any) -> Reloaded:
        """Change whole sections of the running configuration."""
        config = self.loaded(registry=registry, **sections)
        return await self.rig.router.reload(config, registry=registry)

    def loaded(self, *, registry: Registry | None = None, **sections: Any) -> Config:
        """The running configuration with other sections; `collect` stays, for events may be on their way to it."""
        if "destinations" in sections:
            collect = self.rig.config["destinations"]["collect"]
            sections["destinations"] = {"collect": collect, **sections["destinations"]}
        self.rig.config = {**self.rig.config, **sections}
        return load(self.rig.config, registry=registry or self.rig.router.registry)

    async def send(self, *names: str, user: str = "u1") -> None:
        """Have the router accept track calls, and wait until they are in the stream."""
        router = self.rig.router
        head = router.stream.head + len(names)
        for name in names:
            await router.track(name, user_id=user)
        while router.stream.head < head:
            await router.stream.wait_beyond(router.stream.head)

    async def state(self, name: str) -> DestinationState:
        """What the store knows of a destination."""
        states = await self.rig.router.storage.destinations()
        return next(state for state in states if state.name == name)

    async def missing(self) -> dict[str, int]:
        """Destinations whose sum leaves events unexplained."""
        sums = conservation(await self.rig.router.storage.books())
        return {one.destination: one.missing for one in sums if one.missing}


@asynccontextmanager
async def reloading(
    destinations: Sections, *, folder: Path | None = None, **sections: Any
) -> AsyncIterator[Reloading]:
    """A router with these destinations and `collect`."""
    config = {"destinations": destinations, **sections}
    async with running(config, folder=folder) as rig:
        yield Reloading(rig)
