"""A running router with a webhook `crm`, and the few things that tests of replays ask again and again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router.delivery.clock import Clock
from router.replay.keeper import Wanted
from router.replay.report import Report
from router.telemetry.conservation import Conservation, conservation
from router.telemetry.happenings import ReplayEnded
from router.telemetry.signals import Signal
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp
from router.testing.running import Running, running

NEVER = 1 << 62


class Rig:
    """The router, what it delivers to the service, and the replays that ended."""

    def __init__(self, one: Running, service: FakeHttp) -> None:
        self.one = one
        self.service = service
        self.ended: list[ReplayEnded] = []
        one.signals.observe(self._look)

    def _look(self, signal: Signal) -> None:
        if isinstance(signal, ReplayEnded):
            self.ended.append(signal)

    async def accept(self, *ids: str, **fields: Any) -> None:
        """Accept an event for each message id, of a user of its own unless told otherwise, and deliver all."""
        for one in ids:
            await self.one.router.track("Bought", message_id=one, **{"user_id": f"u-{one}", **fields})
        await self.one.drained()

    async def begin(self, *, since: int = 0, until: int = NEVER, to: str = "crm", **fields: Any) -> Report:
        """Start a replay."""
        return await self.one.router.replays.begin(Wanted(to, since, until, **fields))

    async def replayed(self) -> None:
        """Wait until every replay that runs is done."""
        async with asyncio.timeout(10):
            await self.one.router.replays.idle()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    async def pass_time(
        self, clock: ManualClock, condition: Callable[[], object], *, step: float = 0.25
    ) -> None:
        """Move the clock until the condition holds, but never while an answer is on its way: it would time out."""
        router = self.one.router
        async with asyncio.timeout(10):
            while not condition():
                actors = [*router.destinations.values(), *router.replays.actors]
                if clock.next_due is not None and not any(one.status.in_flight for one in actors):
                    clock.advance(step)
                await asyncio.sleep(0)

    async def sums(self, name: str) -> Conservation:
        """The sum of one row of the store."""
        found = conservation(await self.one.router.storage.books())
        return next(one for one in found if one.destination == name)

    @property
    def ids(self) -> list[str]:
        """Message ids in the order in which the service got them."""
        return [request.json()["messageId"] for request in self.service.requests]


@asynccontextmanager
async def replaying(
    service: FakeHttp,
    *,
    folder: Path | None = None,
    clock: Clock | None = None,
    plugins: Sequence[object] = (),
    **sections: Any,
) -> AsyncIterator[Rig]:
    """Run a router; `crm` adds to the section of the destination."""
    crm = {"kind": "webhook", "settings": {"url": service.url}, **sections.pop("crm", {})}
    config = {**sections, "destinations": {"crm": crm, **sections.pop("destinations", {})}}
    async with running(config, folder=folder, clock=clock, plugins=plugins) as one:
        yield Rig(one, service)
