"""The inventory: which events each source sends, with which properties, and in what they break their plan.

Events are counted one by one; into properties it is looked for a share of them only, so `looked` and the counts of
properties are of that share. There are no values in it, so that deleting a user leaves nothing behind here. Rows are
overwritten whole; what people decide about a field (that it is personal, say) belongs in rows of its own, under the
same source and path.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from router.storage.findings import FindingRows

HOUR = 3_600_000
DAY_HOURS, WEEK_HOURS = 24, 168

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null", "date-time")
"""The types of values, each a bit of `SeenProperty.types`."""


OTHERS = "others"
"""The type of the row that counts the events whose names came above the limit."""


class SeenProperty(Struct):
    """A property or trait."""

    types: int
    """The types of its values: bit n for `TYPES[n]`."""
    count: int
    """In how many of the events that were looked into it was."""
    first_at: int
    last_at: int

    def type_names(self) -> list[str]:
        """The types in words."""
        return [name for bit, name in enumerate(TYPES) if self.types >> bit & 1]


class SeenViolation(Struct):
    """One way in which events break their plan."""

    type: str
    field: str
    last_at: int
    message_id: str
    """The last event that did."""
    hours: dict[int, int] = msgspec.field(default_factory=dict)
    """How many did in each hour since the epoch, for a week."""

    def within(self, hours: int, *, now: int) -> int:
        """How many did in the last `hours`."""
        since = now // HOUR - hours
        return sum(count for hour, count in self.hours.items() if hour > since)


class SeenEvent(Struct):
    """The events of one type and name of one source."""

    source: str
    type: str
    name: str
    """Of a track, page or screen call; "" for others."""
    count: int = 0
    first_at: int = 0
    last_at: int = 0
    blocked: dict[str, int] = msgspec.field(default_factory=dict)
    """How many went no further, by reason."""
    looked: int = 0
    """Into how many of them it was looked."""
    is_full: bool = False
    """Whether there were more properties than are listed."""
    properties: dict[str, SeenProperty] = msgspec.field(default_factory=dict)
    """By dotted path; an element of a list is `$`, a dot within a name `\\.`."""
    violations: list[SeenViolation] = msgspec.field(default_factory=list)


class InventoryRows(ABC):
    """The inventory of a store."""

    @property
    @abstractmethod
    def findings(self) -> FindingRows:
        """The fields among them that probably hold personal data."""

    @abstractmethod
    async def read(self) -> list[SeenEvent]:
        """All rows, by source, type and name."""

    @abstractmethod
    async def keep(self, rows: Sequence[SeenEvent]) -> None:
        """Write rows in the place of those with the same source, type and name."""
