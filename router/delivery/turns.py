"""Whose turn it is: lanes share what may leave by weight; one that has nothing to send costs the others nothing.

Each lane has a clock that goes on by 1/weight with every turn; the lane whose clock is furthest behind is next. A
lane that was idle is put forward to the present, so that it cannot make up for turns it had no use for.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, TypeVar

Lane = TypeVar("Lane", bound=Hashable)


class Turns(Generic[Lane]):
    """Shares turns between `weights`' lanes; of lanes that are even the first named goes first."""

    def __init__(self, weights: Mapping[Lane, int]) -> None:
        self._steps = {lane: 1 / weight for lane, weight in weights.items()}
        self._clocks = dict.fromkeys(weights, 0.0)
        self._now = 0.0

    def order(self) -> Sequence[Lane]:
        """The lanes, the one whose turn it is first; ask the next where it has nothing."""
        return sorted(self._clocks, key=lambda lane: max(self._clocks[lane], self._now))

    def took(self, lane: Lane) -> None:
        """The lane used its turn."""
        self._now = max(self._clocks[lane], self._now)
        self._clocks[lane] = self._now + self._steps[lane]
