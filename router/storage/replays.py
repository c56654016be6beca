"""A replay as it is kept: which part of the stream, which events of it, to which destination, and how it stands."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from router.storage.store import Settlement

ReplayState = Literal["running", "paused", "done", "cancelled"]
"""`running` also while it waits for its turn: that is decided by who runs it, and is not kept."""


class Selection(Struct, frozen=True, gc=False):
    """Which events are meant; an empty list leaves that open."""

    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    """Names of track calls; other types have none, so they are left out."""
    users: tuple[str, ...] = ()
    """User ids or anonymous ids."""
    filter: str = ""
    """A condition in FQL."""


class Replay(Struct, frozen=True, kw_only=True, gc=False):
    """One replay. Its cursor, parked events and counters are those of the destination row `name`."""

    destination: str
    """The destination that gets the events."""
    first: int
    after: int
    """It ends before this position of the stream."""
    selection: Selection = Selection()
    requests: int = 0
    """Its own rate limit: most requests in each period; 0 is none."""
    per: float = 1.0
    """The period in seconds."""
    lost: tuple[int, int] = (0, 0)
    """The half-open range of positions that belong to the time asked for and were gone when it began."""
    state: ReplayState = "running"
    created_at: int = 0
    """Milliseconds since the epoch, as all times here."""
    finished_at: int = 0
    """0 until it is done or cancelled."""
    number: int = 0
    """Given by the store."""

    @property
    def name(self) -> str:
        """What its row, its counters and its dead letters are called, e.g. `crm#7`."""
        return f"{self.destination}#{self.number}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("done", "cancelled")


def is_replay(name: str) -> bool:
    """Whether a row among the destinations belongs to a replay; no configured name has that sign."""
    return "#" in name


class Place(Struct, frozen=True, gc=False):
    """Where a moment lies in the stream, to the grain of a segment."""

    kept: int
    """The first segment that is kept and reaches to that moment or beyond begins here."""
    known: int
    """So does the first segment of which the store still knows when it was; below `kept` where it is gone."""
    is_exact: bool
    """Whether `known` is the first; otherwise what was before it may also be of that time, and nobody knows."""


class ReplayRows(ABC):
    """The replays of a store."""

    @abstractmethod
    async def begin(self, replay: Replay) -> Replay:
        """Keep a new replay and give it a number; its row among the destinations is born with it."""

    @abstractmethod
    async def all(self) -> list[Replay]:
        """Every replay, by number."""

    @abstractmethod
    async def move(
        self, number: int, state: ReplayState, *, at: int = 0, last: "Settlement | None" = None
    ) -> None:
        """Change a replay's state. One that is over, at the time `at`, pins no segment any more.

        `last` is settled in the same transaction.
        """
