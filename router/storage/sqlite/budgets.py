"""How much of a disk budget is used, when somebody has to hear of it, and how long it will last."""

import time
from collections.abc import Callable

WARN_AT = (0.5, 0.8)
Warn = Callable[[str, float, float | None], None]
"""Takes the budget's name, the used share, and the seconds left at the present pace, where there is one."""


class Budget:
    """One budget in bytes; `warn` is called when a share of `WARN_AT` is passed upwards."""

    def __init__(
        self, name: str, limit: int, warn: Warn, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.limit = limit
        self._warn = warn
        self._clock = clock
        self._level = 0
        self._low: tuple[float, int] | None = None
        """When least was used, and how much: the pace is measured from there."""

    def note(self, used: int) -> None:
        """Take notice of what is used now."""
        if self._low is None or used <= self._low[1]:
            self._low = (self._clock(), used)
        share = used / self.limit if self.limit else 1.0
        level = sum(share >= mark for mark in WARN_AT)
        if level > self._level:
            self._warn(self.name, share, self._seconds_left(used))
        if level > self._level or share < WARN_AT[self._level - 1] - 0.05:
            self._level = level

    def is_spent(self, used: int) -> bool:
        """Whether nothing more fits."""
        return used >= self.limit

    def _seconds_left(self, used: int) -> float | None:
        assert self._low is not None
        since, least = self._low
        elapsed, grown = self._clock() - since, used - least
        return max(0, self.limit - used) * elapsed / grown if grown > 0 and elapsed > 0 else None
