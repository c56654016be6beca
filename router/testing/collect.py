"""A destination that keeps what it gets in memory, for tests."""

import asyncio
from collections.abc import Sequence
from typing import Any

from router.events.calls import AnyEvent, decode_open_json
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.settings import Settings


class Shelf:
    """Where a `collect` destination puts the stored form of each event, in the order of arrival."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()

    def add(self, events: Sequence[AnyEvent]) -> None:
        """Keep events."""
        self.events += [decode_open_json(event.json) for event in events]
        self._arrived.set()

    async def wait(self, count: int, *, timeout: float = 10) -> list[dict[str, Any]]:
        """Return the events once there are at least `count`; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.events) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.events


class CollectSettings(Settings, frozen=True):
    """The collecting destination has no settings."""


def collect_plugin(shelf: Shelf) -> object:
    """A plugin that registers a destination kind `collect`, which puts every event of every type on `shelf`."""

    class Collect(Destination[CollectSettings, AnyEvent]):
        """Keep every event of every type on a shelf in memory."""

        kind = "collect"
        batching = Batching(max_events=1000)

        async def deliver(self, events: Sequence[AnyEvent]) -> Sequence[Outcome] | None:
            """Put the events on the shelf."""
            shelf.add(events)
            return None

    class Plugin:
        """Registers `Collect`."""

        @hookimpl
        def register_destinations(self) -> list[type[Destination[Any, Any]]]:
            """Offer the destination."""
            return [Collect]

    return Plugin()
