"""A simulated vendor: tells of one order after the other, and repeats each until it is told that it was kept."""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from router.app import Router
from router.errors import StorageError
from router.plugins.request import Request
from router.plugins.webhook import WebhookRequest, WebhookSource
from tests.simulation.client import PATIENCE, Said
from tests.simulation.destinations import ServiceSettings
from tests.simulation.network import Letter

SHOP = "shop"
"""The source that takes the requests, and the service that it asks about each."""


class Shop(WebhookSource[ServiceSettings]):
    """Asks about an order, and tracks it."""

    kind = "shop"

    def receive(self, hook: WebhookRequest) -> Iterator[Any]:
        """One question, one call."""
        name = hook.json()["order"]
        yield Request.post(f"http://{self.settings.service}/", json=Letter([name], [[name]]))
        yield {"type": "track", "event": "Ordered", "userId": name, "messageId": name}


class Vendor:
    """Lives through every crash of the router."""

    def __init__(self, *, pace: float, chance: random.Random) -> None:
        self.said: list[Said] = []
        """What was acknowledged."""
        self._made = 0
        self._pace = pace
        self._chance = chance
        self._order = ""

    async def run(
        self, router: Router, *, until: float, tell: Callable[..., None], is_dead: Callable[[], bool]
    ) -> None:
        """Tell of orders until the time is over and nothing waits for an answer."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._order:
                await asyncio.sleep(self._chance.expovariate(1 / self._pace))
                if loop.time() >= until:
                    return
                self._order = f"order{self._made}-0"
                self._made += 1
            try:
                async with asyncio.timeout(PATIENCE):
                    await router.webhooks.keep(
                        SHOP, WebhookRequest(body=msgspec.json.encode({"order": self._order}))
                    )
            except (StorageError, TimeoutError) as error:
                tell("vendor is refused", type(error).__name__, self._order)
                await asyncio.sleep(self._chance.uniform(0.1, 2.0))
                continue
            if is_dead():
                return
            tell("vendor is told", self._order)
            if self._chance.random() < 0.05:  # the answer is lost, so it tells once more
                continue
            self.said.append(Said(loop.time(), (self._order,)))
            self._order = ""
