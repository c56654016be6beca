"""A token bucket for each source: so many requests a second, twice as many in a burst."""

from collections.abc import Callable
from math import ceil

from router.events.source import Source

BURST_SECONDS = 2.0
LONGEST_WAIT = 300
"""Every current SDK caps `Retry-After` there (tracking-api 7)."""


class RateLimit:
    """Counts requests by source."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, source: Source) -> int:
        """Take a token; 0 when there was one, else the whole seconds until there is one again (1 to 300)."""
        rate = source.rate_limit
        if not rate:
            return 0
        now = self._clock()
        tokens, at = self._buckets.get(source.name, (rate * BURST_SECONDS, now))
        tokens = min(rate * BURST_SECONDS, tokens + (now - at) * rate)
        if tokens < 1:
            self._buckets[source.name] = (tokens, now)
            return min(LONGEST_WAIT, max(1, ceil((1 - tokens) / rate)))
        self._buckets[source.name] = (tokens - 1, now)
        return 0
