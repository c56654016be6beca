"""The side log: durable entries that wait outside the inbox, for work that may take its time.

Nothing between inbox and stream waits for the outside world (engine 8), so what does wait lies here: requests of
vendors until the function of their source has made calls of them. Entries stand in lanes. Each lane has one reader,
who takes what is due in the order in which it came, and then finishes an entry, gives it up, or puts it off. One that
is put off holds back no other.

For every lane, whatever happens: put = done + dead + damaged + waiting. The counters `side_put`, `side_done`,
`side_dead` and `side_damaged` move in the transaction of what they count; `waiting` is counted from the rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from msgspec import Struct

from router.errors import StoreFull
from router.storage.letters import DeadLetter

PUT, DONE, DEAD, DAMAGED, REVIVED = "side_put", "side_done", "side_dead", "side_damaged", "side_revived"
"""The counters, each by lane; `DEAD` and `REVIVED` by reason too."""


class SideEntry(Struct, frozen=True, kw_only=True, gc=False):
    """One entry."""

    lane: str
    """Who reads it, e.g. `source stripe`."""
    received_at: int
    """Milliseconds since the epoch, as all times here."""
    data: bytes
    """What it is about; only its reader understands it."""
    attempts: int = 0
    first_tried_at: int = 0
    due_at: int = 0
    """When it is to be tried again; 0 for one that was not put off."""
    reason: str = ""
    """Why the last attempt failed, as a code."""
    id: int = 0
    """Given by the store, growing, and never used twice."""


class Lane(Struct, frozen=True):
    """How much waits in a lane."""

    name: str
    waiting: int
    put_off: int = 0
    """How many of them were tried and are tried again."""


class SideLog(ABC):
    """Part of the storage contract (`router.storage.store`)."""

    @property
    @abstractmethod
    def refusal(self) -> StoreFull | None:
        """Why nothing more should come in, or None; asked before what is put in cannot be refused any more."""

    @abstractmethod
    async def put(self, entry: SideEntry) -> int:
        """Add an entry durably, and return its id. Raises StoreFull or StoreUnavailable; then nothing was written."""

    @abstractmethod
    async def due(self, lane: str, *, now: int, horizon: int, limit: int) -> list[SideEntry]:
        """Up to `limit` entries that are due at `now`, in the order of their ids.

        One that is put off beyond `now + horizon` is due too: the clock was set back. A damaged entry is set aside,
        and counted.
        """

    @abstractmethod
    async def read(self, lane: str, *, beyond: int, limit: int) -> list[SideEntry]:
        """Up to `limit` entries behind the id `beyond`, due or not, in the order of their ids.

        A damaged entry is set aside, and counted.
        """

    @abstractmethod
    async def next_due(self, lane: str, *, now: int) -> int | None:
        """When the next entry becomes due that is not due at `now`, or None."""

    @abstractmethod
    async def put_off(self, entry: SideEntry) -> None:
        """Write down the attempts, the reason and the due time of an entry."""

    @abstractmethod
    async def finish(self, entry: SideEntry, letter: DeadLetter | None = None) -> None:
        """Take an entry out: it is done, or given up with a letter. One that is gone already changes nothing."""

    @abstractmethod
    async def revive(self, letter: DeadLetter, entry: SideEntry) -> bool:
        """Put a given-up entry in again, in the place of its letter; False when the letter is gone."""

    @abstractmethod
    async def lanes(self) -> Sequence[Lane]:
        """Every lane in which something waits, by name."""


def waiting(lanes: Sequence[Lane]) -> Mapping[str, int]:
    """How much waits in each lane."""
    return {lane.name: lane.waiting for lane in lanes}
