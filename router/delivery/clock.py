"""The clock of the router: a contract, so that tests can move time by hand, and the system's own."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Forget the call."""


class Clock(ABC):
    """What time it is, and how to wait. Stamps are UTC, waiting is monotonic: a set clock moves no delay."""

    @abstractmethod
    def time(self) -> float:
        """Seconds since the epoch."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` on the running loop after `seconds`, unless the timer is cancelled before."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.time() * 1000)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        over = asyncio.Event()
        timer = self.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()


class SystemClock(Clock):
    """The machine's clock."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` after `seconds`."""
        return asyncio.get_running_loop().call_later(seconds, callback)
