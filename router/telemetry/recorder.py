"""The recorder: has the store keep how the counters grow, so that what happened yesterday can be looked up."""

from collections.abc import Awaitable, Callable

from router.actors.actor import Actor
from router.errors import StorageError
from router.storage.store import Storage

EVERY_SECONDS = 20.0
"""How old the newest minute may be at most."""


class Recorder(Actor):
    """Records again and again; while nothing is counted it writes nothing."""

    name = "recorder"

    def __init__(
        self, storage: Storage, *, now: Callable[[], int], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._storage = storage
        self._now = now
        self._sleep = sleep
        self._seen: dict[tuple[str, ...], int] = {}

    async def run(self) -> None:
        """Record, wait, and record again."""
        while True:
            try:
                await self.record()
            except StorageError:
                pass  # the store is in trouble and says so itself; what is missed now is recorded later
            await self._sleep(EVERY_SECONDS)

    async def record(self) -> None:
        """Record what changed since the last time, if anything did."""
        counters = await self._storage.counters()
        if counters != self._seen:
            await self._storage.history.record(self._now())
            self._seen = counters
