"""The history of the counters, in memory."""

from collections import Counter
from collections.abc import Mapping

from router.storage.history import GRAINS, Granularity, History, Range


class MemoryHistory(History):
    """The history of a store in memory."""

    def __init__(self, counters: Mapping[tuple[str, ...], int]) -> None:
        self._counters = counters
        self._recorded: Counter[tuple[str, ...]] = Counter()
        self._buckets: dict[Granularity, dict[int, Counter[tuple[str, ...]]]] = {name: {} for name in GRAINS}

    async def record(self, at: int) -> None:
        """Add what changed to the buckets of that moment."""
        grown = {name: amount - self._recorded[name] for name, amount in self._counters.items()}
        self._recorded = Counter(self._counters)
        for granularity, grain in GRAINS.items():
            kept = self._buckets[granularity]
            bucket = kept.setdefault(at // grain.width * grain.width, Counter())
            for name, amount in grown.items():
                bucket[name] += amount
            for start in [start for start in kept if start < at - grain.kept]:
                del kept[start]

    async def read(self, asked: Range) -> dict[tuple[str, ...], dict[int, int]]:
        """The buckets of the range."""
        found: dict[tuple[str, ...], dict[int, int]] = {}
        for start, bucket in self._buckets[asked.granularity].items():
            if asked.starts.start <= start < asked.after:
                for name, amount in bucket.items():
                    if amount:
                        found.setdefault(name, {})[start] = amount
        return found
