"""So many requests of one space in any second, and not one more: the documented limit knows no burst."""

from collections import deque
from collections.abc import Callable

MOST = 100
SECONDS = 1.0


class SpaceRate:
    """Counts the requests of each space."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def is_spent(self, space: str) -> bool:
        """Count a request; True when the space had as many as it may within the last second, then it is not counted."""
        now = self._clock()
        times = self._times.setdefault(space, deque(maxlen=MOST))
        if len(times) == MOST and now - times[0] < SECONDS:
            return True
        times.append(now)
        return False
