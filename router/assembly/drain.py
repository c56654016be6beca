"""The end of a destination that is retired with `drain`: it waits until nothing is left, then completes it."""

import asyncio
from collections.abc import Awaitable, Callable

from router.actors.actor import Actor
from router.delivery.clock import Clock
from router.errors import StorageError
from router.telemetry.happenings import CursorMoved
from router.telemetry.signals import Signal, Signals

RETRY_SECONDS = 1.0


class Drain(Actor):
    """Calls `finish` once everything below `until` is finished at the destination."""

    def __init__(
        self,
        destination: str,
        until: int,
        *,
        finish: Callable[[str], Awaitable[None]],
        signals: Signals,
        clock: Clock,
    ) -> None:
        self.name = f"drain {destination}"
        self._destination = destination
        self._until = until
        self._finish = finish
        self._clock = clock
        self._is_over = asyncio.Event()
        self._end = signals.observe(self._look)

    async def run(self) -> None:
        """Wait, and complete the retirement as soon as the store takes it."""
        try:
            await self._is_over.wait()
            while True:
                try:
                    return await self._finish(self._destination)
                except StorageError:  # the store is in trouble and says so itself; it is asked again
                    await self._clock.sleep(RETRY_SECONDS)
        finally:
            self._end()

    def _look(self, signal: Signal) -> None:
        if not isinstance(signal, CursorMoved) or signal.destination != self._destination:
            return
        if signal.floor >= self._until:
            self._is_over.set()
