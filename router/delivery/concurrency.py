"""How many batches may be on their way: found by additive increase and multiplicative decrease."""

from router.plugins.policies import Concurrency

DEVIATIONS = 2.5
"""An answer slower than the mean by this many mean deviations is taken as push-back."""
WEIGHT = 0.05
"""Share of each new answer in the moving mean."""
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

    @property
    def limit(self) -> int:
        """Batches that may be in flight now."""
        return int(self._limit)

    def succeeded(self, seconds: float, in_flight: int) -> None:
        """A batch was taken after `seconds`, while `in_flight` batches were on their way, itself included."""
        is_slow = self._answers > 1 / WEIGHT and seconds > self._mean + DEVIATIONS * self._deviation + 0.05
        distance = abs(seconds - self._mean)
        self._answers += 1
        weight = max(WEIGHT, 1 / self._answers)
        self._mean += (seconds - self._mean) * weight
        self._deviation += (distance - self._deviation) * weight
        if is_slow:
            self._limit = max(1.0, self._limit * SLOW_DECREASE)
        elif in_flight >= int(self._limit):
            self._limit = min(self._max, self._limit + 1 / self._limit)

    def failed(self) -> None:
        """A batch failed for a reason that may pass."""
        self._limit = max(1.0, self._limit / 2)
