"""How far the router is: whether everything accepted is finished, and whether work that waits is moving."""

import asyncio
import time
from collections.abc import Callable

from router.storage.follower import Stream
from router.storage.inbox import Inbox
from router.telemetry.happenings import BatchCommitted, CursorMoved, EntriesAccepted
from router.telemetry.signals import Signal, Signals

STUCK_SECONDS = 30.0
"""Work that waits this long without a step forward means that the router is not ready."""


class Progress:
    """Watches signals; knows where the inbox, the stream and each destination stand."""

    def __init__(
        self, inbox: Inbox, stream: Stream, signals: Signals, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inbox = inbox
        self._stream = stream
        self._clock = clock
        self._floors: dict[str, int] = {}
        self._moved = asyncio.Event()
        self._moved_at = clock()
        self._end = signals.observe(self._look)

    def follow(self, destination: str, floor: int) -> None:
        """Count a destination in; everything below `floor` is finished there."""
        self._floors[destination] = floor

    def forget(self, destination: str) -> None:
        """Count a destination out."""
        self._floors.pop(destination, None)
        self._moved.set()

    def end(self) -> None:
        """Stop watching."""
        self._end()

    @property
    def is_drained(self) -> bool:
        """Whether every accepted event is in the stream and finished at every destination."""
        return self._inbox.backlog == 0 and all(floor >= self._stream.head for floor in self._floors.values())

    @property
    def trouble(self) -> str:
        """Why the router does not make progress, or nothing."""
        waits = self._inbox.backlog
        if waits and self._clock() - self._moved_at > STUCK_SECONDS:
            return f"{waits} accepted events wait and none was processed for {STUCK_SECONDS:.0f} s"
        return ""

    async def drained(self) -> None:
        """Return once `is_drained` is true."""
        while not self.is_drained:
            self._moved.clear()
            await self._moved.wait()

    def _look(self, signal: Signal) -> None:
        if isinstance(signal, CursorMoved):
            if signal.destination in self._floors:
                self._floors[signal.destination] = signal.floor
            self._moved.set()
        elif isinstance(signal, EntriesAccepted):
            if self._inbox.backlog <= signal.events:  # nothing waited before: the time runs from here
                self._moved_at = self._clock()
        elif isinstance(signal, BatchCommitted):
            self._moved_at = self._clock()
            self._moved.set()
