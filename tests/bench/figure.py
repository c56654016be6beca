"""A row of the bench: what was measured, against what it should be."""

import statistics
from collections.abc import Awaitable, Callable

from msgspec import Struct

ROUNDS = 5
Cost = Callable[[], Awaitable[float]]


class Figure(Struct):
    """One row of the table."""

    name: str
    value: float
    target: float
    unit: str
    better: str = "≤"
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target if self.better == "≤" else self.value >= self.target


async def ratio(measure: Cost, compare: Cost, *, rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Run both alternating; return the median ratio and the medians of each."""
    pairs = []
    for _ in range(rounds):
        pairs.append((await measure(), await compare()))
    return (
        statistics.median(one / other for one, other in pairs),
        statistics.median(one for one, _ in pairs),
        statistics.median(other for _, other in pairs),
    )
