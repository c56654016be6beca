"""A reader's place in a log: a floor, and the completed ranges above it."""

from bisect import bisect_left

from msgspec import Struct


class Cursor(Struct, frozen=True, array_like=True, gc=False):
    """Everything below `floor` is finished, and so is every half-open range `[first, after)` in `ranges`."""

    floor: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    """Sorted, disjoint, not touching each other and all above `floor`."""

    def complete(self, finished: list[tuple[int, int]]) -> "Cursor":
        """Return the cursor after the half-open ranges `finished` are done too; ranges may overlap."""
        merged: list[tuple[int, int]] = []
        floor = self.floor
        for first, after in sorted([*self.ranges, *finished]):
            if first <= floor:
                floor = max(floor, after)
            elif merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], after))
            else:
                merged.append((first, after))
        return Cursor(floor, tuple(merged))

    def is_complete(self, position: int) -> bool:
        """Whether `position` is finished."""
        if position < self.floor:
            return True
        index = bisect_left(self.ranges, (position + 1,)) - 1
        return index >= 0 and self.ranges[index][0] <= position < self.ranges[index][1]

    def completed_above_floor(self) -> int:
        """How many positions above the floor are finished."""
        return sum(after - first for first, after in self.ranges)

    def missing(self, first: int, after: int) -> list[tuple[int, int]]:
        """The parts of the half-open range that are not finished."""
        parts = []
        start = max(first, self.floor)
        for begin, end in self.ranges:
            if begin >= after:
                break
            if begin > start:
                parts.append((start, begin))
            start = max(start, end)
        if start < after:
            parts.append((start, after))
        return parts
