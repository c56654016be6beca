"""The rate limit of a destination: requests are spread evenly over the period."""

from router.delivery.clock import Clock
from router.plugins.policies import Rate

CATCH_UP_SECONDS = 0.05
"""How much lateness of a timer may be made good, so that the full rate is reached; it allows no real burst."""


class RateLimit:
    """A leaky bucket: at most one request each `per / requests` seconds."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self._clock = clock
        self._interval = rate.per / max(1, rate.requests) if rate else 0.0
        self._catch_up = min(CATCH_UP_SECONDS, rate.per / 10) if rate else 0.0
        self._next = clock.monotonic()

    def left(self) -> float:
        """Seconds until a request may leave."""
        return max(0.0, self._next - self._clock.monotonic()) if self._interval else 0.0

    async def wait(self) -> None:
        """Take the next free place and wait for it."""
        if not self._interval:
            return
        now = self._clock.monotonic()
        place = max(self._next, now - self._catch_up)
        self._next = place + self._interval
        if place > now:
            await self._clock.sleep(place - now)
