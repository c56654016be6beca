"""The pause of a whole destination: how long it waits before the next probe."""

from collections.abc import Callable

from router.plugins.policies import Retry

Uniform = Callable[[float, float], float]


class Pause:
    """Grows with every failed probe and ends with the first success. Nothing is written per event while it lasts."""

    def __init__(self, retry: Retry, *, uniform: Uniform, held: str = "") -> None:
        """With a reason in `held` it is on from the start, without probes, until `release`."""
        self._retry = retry
        self._uniform = uniform
        self._failures = 0
        self._until = 0.0
        self.is_on = self.is_held = bool(held)
        """Whether the destination waits, and whether it does so without probes."""
        self.reason = held
        """The code of the last failure, or why it is held."""
        self.is_inserting = False
        """Whether that failure was an insert function's."""

    def begin(self, reason: str, now: float, *, after: float | None = None) -> float:
        """Pause, or pause again after a failed probe; return the seconds until the next probe.

        Full jitter: anything up to the longest wait, which doubles with each failure. What the service asked for
        counts when it is longer, but never beyond the give-up age.
        """
        longest = min(float(self._retry.max), self._retry.first * 2.0 ** min(self._failures, 60))
        seconds = self._uniform(0.0, longest)
        if after is not None:
            seconds = max(seconds, min(after, float(self._retry.give_up)))
        self._failures += 1
        self._until = now + seconds
        self.is_on = True
        self.reason = reason
        return seconds

    def prolong(self, now: float, after: float) -> None:
        """Wait at least `after` seconds from now: a request of before the pause was answered with that wish."""
        self._until = max(self._until, now + min(after, float(self._retry.give_up)))

    def left(self, now: float) -> float:
        """Seconds until the next probe; 0 when it is due."""
        return max(0.0, self._until - now)

    def release(self) -> None:
        """End it, where it is held."""
        if self.is_held:
            self.end()

    def end(self) -> None:
        """Run on as if nothing had been."""
        self.is_on = self.is_held = False
        self._failures = 0
        self.reason = ""
