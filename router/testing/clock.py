"""A clock that stands still until a test moves it."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from router.delivery.clock import Clock, Timer

EPOCH = 1_900_000_000.0
"""Where a manual clock starts, in seconds."""


class _Due:
    """A call that waits for the clock to be moved."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Forget the call."""
        self.callback = None


class ManualClock(Clock):
    """Time moves by `advance` only; whoever sleeps is woken in the order of the due times."""

    def __init__(self, start: float = EPOCH) -> None:
        self._start = start
        self._elapsed = 0.0
        self._due: list[tuple[float, int, _Due]] = []
        self._order = count()
        self._changed = asyncio.Event()

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._elapsed

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` once the clock was moved by `seconds`."""
        due = _Due(callback)
        heappush(self._due, (self._elapsed + max(0.0, seconds), next(self._order), due))
        self._changed.set()
        return due

    @property
    def next_due(self) -> float | None:
        """Seconds until the first sleeper is due, or None when nobody sleeps."""
        while self._due and self._due[0][2].callback is None:
            heappop(self._due)
        return self._due[0][0] - self._elapsed if self._due else None

    async def wait_for_sleeper(self, *, longer_than: float = -1.0, timeout: float = 10) -> float:
        """Wait until somebody sleeps whose time is due later than `longer_than` seconds; return the seconds left."""
        async with asyncio.timeout(timeout):
            while True:
                for at, _, due in sorted(self._due):
                    if due.callback is not None and at - self._elapsed > longer_than:
                        return at - self._elapsed
                self._changed.clear()
                await self._changed.wait()

    def set(self, seconds: float) -> None:
        """Set the time of day forward, or back by a negative number, as an operator does; no wait notices."""
        self._start += seconds

    def advance(self, seconds: float) -> None:
        """Move time; every call that becomes due is made, in order, each at its own moment."""
        target = self._elapsed + seconds
        while self._due and self._due[0][0] <= target:
            at, _, due = heappop(self._due)
            self._elapsed = max(self._elapsed, at)
            callback, due.callback = due.callback, None
            if callback is not None:
                callback()
        self._elapsed = target
