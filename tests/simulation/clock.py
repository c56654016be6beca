"""The world's clock: waiting is the loop's time; the time of day can be set forward and back."""

import asyncio
from collections.abc import Callable

from router.delivery.clock import Clock, Timer

EPOCH = 1_900_000_000.0


class WorldClock(Clock):
    """`skew` seconds are added to the time of day; no wait notices."""

    def __init__(self) -> None:
        self.skew = 0.0

    def time(self) -> float:
        """Seconds since the epoch, as the machine was set."""
        return EPOCH + self.skew + self.monotonic()

    def monotonic(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` once the loop is there."""
        return asyncio.get_running_loop().call_later(seconds, callback)
