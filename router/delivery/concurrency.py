"""How many batches may be on their way: found by additive increase and multiplicative decrease.

Batches that were on their way together say the same thing together: of those that left before the last decrease none
leads to another.
"""

from router.plugins.policies import Concurrency

DEVIATIONS = 2.5
"""An answer slower than the mean by this many mean deviations is taken as push-back."""
WEIGHT = 0.05
"""Share of each new answer in the moving mean."""
SLACK = 0.05
"""Seconds by which an answer may always be slower: of a service that answers in no time every answer would be slow."""
SLOW_DECREASE = 0.9


class ConcurrencyLimit:
    """Grows by one for every round of successes that used all of it; halves on failure, shrinks on slow answers."""

    def __init__(self, concurrency: Concurrency) -> None:
        self._initial = float(max(1, min(concurrency.initial, concurrency.max)))
        self._max = float(max(1, concurrency.max))
        self._limit = self._initial
        self._mean = 0.0
        self._deviation = 0.0
        self._answers = 0
        self._decreased_at = float("-inf")

    @property
    def limit(self) -> int:
        """Batches that may be in flight now."""
        return int(self._limit)

    def succeeded(self, seconds: float, in_flight: int, *, now: float) -> None:
        """A batch was taken after `seconds`, while `in_flight` batches were on their way, itself included."""
        is_slow = self._answers > 1 / WEIGHT and seconds > self._mean + DEVIATIONS * self._deviation + SLACK
        distance = abs(seconds - self._mean)
        self._answers += 1
        weight = max(WEIGHT, 1 / self._answers)
        self._mean += (seconds - self._mean) * weight
        self._deviation += (distance - self._deviation) * weight
        if is_slow:
            self._decrease(SLOW_DECREASE, now - seconds, now)
        elif in_flight >= int(self._limit):
            self._limit = min(self._max, self._limit + 1 / self._limit)

    def failed(self, *, started_at: float, now: float) -> None:
        """A batch that left at `started_at` failed for a reason that may pass."""
        self._decrease(0.5, started_at, now)

    def _decrease(self, factor: float, started_at: float, now: float) -> None:
        if started_at >= self._decreased_at:
            self._limit = max(1.0, self._limit * factor)
            self._decreased_at = now
