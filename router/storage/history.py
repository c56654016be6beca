"""The history of the counters: how much each grew in every minute, hour and day (operations 5, public-api time ranges).

The sum of a counter's history is the counter itself, as of the last time that it was recorded.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from router.errors import RouterError

Granularity = Literal["minute", "hour", "day"]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class Grain(Struct, frozen=True):
    """One granularity. All in milliseconds."""

    width: int
    """How long a bucket is; buckets begin at multiples of it since the epoch, in UTC."""
    kept: int
    """How far back buckets are kept."""
    span: int
    """Most that one question may span."""


GRAINS: Mapping[Granularity, Grain] = {
    "minute": Grain(MINUTE, 48 * HOUR, 4 * HOUR),
    "hour": Grain(HOUR, 30 * DAY, 14 * DAY),
    "day": Grain(DAY, 400 * DAY, 400 * DAY),
}
"""Minutes for 48 hours, hours for 30 days, days for 400 days."""


class RangeRefused(RouterError):
    """A range that this granularity does not answer for; the message says what it does."""


class Range(Struct, frozen=True):
    """Buckets of one granularity, from `first` up to, and without, the one that begins at `after` (milliseconds)."""

    granularity: Granularity
    first: int
    after: int

    @property
    def starts(self) -> range:
        """When each of its buckets begins."""
        width = GRAINS[self.granularity].width
        return range(self.first // width * width, self.after, width)


def check_range(asked: Range, now: int) -> None:
    """Raise RangeRefused for a range that is empty, too long, or reaches back further than is kept (operations 27)."""
    grain, name = GRAINS[asked.granularity], asked.granularity
    if asked.after <= asked.first:
        raise RangeRefused("the range ends before it begins; give an end after its start")
    if asked.first < now - grain.kept:
        raise RangeRefused(
            f"{name}s are kept for {_words(grain.kept)}; ask for a later start{_coarser(name)}"
        )
    if asked.after - asked.first > grain.span:
        raise RangeRefused(f"by the {name} at most {_words(grain.span)} are shown at once{_coarser(name)}")


def finest(first: int, after: int, now: int) -> Granularity:
    """The finest granularity that answers for the range; `day` where none does."""
    for name in GRAINS:
        try:
            check_range(Range(name, first, after), now)
        except RangeRefused:
            continue
        return name
    return "day"


class History(ABC):
    """The history of a store's counters."""

    @abstractmethod
    async def record(self, at: int) -> None:
        """Add what each counter grew (or shrank) since the last time to the buckets of the moment `at`.

        Buckets that are older than is kept go, a bounded number at a time.
        """

    @abstractmethod
    async def read(self, asked: Range) -> dict[tuple[str, ...], dict[int, int]]:
        """For each counter that changed in the range, how much in which bucket; buckets without change are absent."""


def _words(milliseconds: int) -> str:
    days, hours = divmod(milliseconds // HOUR, 24)
    return f"{days} days" if days > 2 and not hours else f"{milliseconds // HOUR} hours"


def _coarser(name: Granularity) -> str:
    follows = {"minute": ", or ask by the hour", "hour": ", or ask by the day"}
    return follows.get(name, "")
