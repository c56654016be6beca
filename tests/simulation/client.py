"""A simulated SDK: sends batch after batch, and repeats one until it is told that it was kept."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from router.app import Router
from router.errors import StorageError
from router.rules.request import read_request
from router.storage.entry import Door, Entry

TYPES = ("track", "track", "track", "identify", "page", "alias")
PATIENCE = 8.0
"""Seconds after which a client gives up a request and sends it again."""


class Said(Struct, frozen=True):
    """A batch that was answered 200."""

    at: float
    ids: tuple[str, ...]


class Client:
    """Lives through every crash of the router; a new life of the process finds it waiting."""

    def __init__(self, number: int, *, users: int, pace: float, chance: random.Random) -> None:
        self.source = "app" if number % 2 else "website"
        self.said: list[Said] = []
        """What was acknowledged."""
        self.made = 0
        self._number = number
        self._users = users
        self._pace = pace
        self._chance = chance
        self._batch: tuple[bytes, tuple[str, ...]] | None = None

    async def run(
        self, router: Router, *, until: float, tell: Callable[..., None], is_dead: Callable[[], bool]
    ) -> None:
        """Send until the time is over and nothing waits for an answer."""
        loop = asyncio.get_running_loop()
        while True:
            if self._batch is None:
                await asyncio.sleep(self._chance.expovariate(1 / self._pace))
                if loop.time() >= until:
                    return
                self._batch = self._make()
            body, ids = self._batch
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._send(router, body)
            except (StorageError, TimeoutError) as error:
                tell(f"client {self._number} is refused", type(error).__name__, ids)
                await asyncio.sleep(self._chance.uniform(0.1, 2.0))
                continue
            if is_dead():
                return
            tell(f"client {self._number} is told", ids)
            if self._chance.random() < 0.05:  # the answer is lost, so the SDK sends it once more
                continue
            self.said.append(Said(loop.time(), ids))
            self._batch = None

    async def _send(self, router: Router, body: bytes) -> None:
        received = read_request(Door.BATCH, body, limits=router.limits)
        entry = Entry(self.source, Door.BATCH, 0, len(received.calls), received.body)
        await router.accept(entry, received)

    def _make(self) -> tuple[bytes, tuple[str, ...]]:
        members = [self._member() for _ in range(self._chance.choice((1, 1, 2, 5)))]
        return msgspec.json.encode({"batch": members}), tuple(member["messageId"] for member in members)

    def _member(self) -> dict[str, Any]:
        chance = self._chance
        kind = chance.choice(TYPES)
        user = f"u{self._number}-{chance.randrange(self._users)}" if chance.random() < 0.9 else "shared"
        member: dict[str, Any] = {
            "type": kind,
            "messageId": f"c{self._number}-{self.made}",
            "userId": user,
        }
        if chance.random() < 0.3:
            member["anonymousId"] = f"a{self._number}-{chance.randrange(self._users)}"
            if kind in ("track", "page") and chance.random() < 0.5:
                del member["userId"]
        if kind == "track":
            member["event"] = "Moved"
        if kind == "alias":
            member["previousId"] = f"a{self._number}-{chance.randrange(self._users)}"
        self.made += 1
        return member
