"""How many requests a source may make: a bucket of tokens for each (tracking-api 7)."""

import math
from collections.abc import Callable

from msgspec import Struct

BURST = 2
"""A bucket holds the tokens of so many seconds."""
LONGEST_WAIT = 300
"""Clients do not wait longer than this whatever they are told."""


class _Bucket(Struct):
    tokens: float
    at: float


class RateLimits:
    """Buckets by source name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, source: str, rate: int) -> int:
        """Take a token of `source`, which gets `rate` a second; returns 0, or how many seconds to wait for one."""
        if rate <= 0:
            return 0
        now = self._clock()
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = _Bucket(BURST * rate, now)
        bucket.tokens = min(BURST * rate, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0
        return min(LONGEST_WAIT, max(1, math.ceil((1 - bucket.tokens) / rate)))
