"""The contract of a store. It speaks in verbs over batches; no transaction handle leaves it.

Promises that every implementation keeps, and that `tests/contract/storage` checks:

- When `append` returns, its entries are durable; when it raises, none of them is there.
- `commit` writes a segment, its message ids, the inbox cursor, the counters and the profiles in one transaction, or
  nothing.
- `settle` writes a destination's cursor, outcomes, counters, parked rows and dead letters in one transaction.
- Positions of both logs begin at 0, have no gaps and are never used twice.
- A read never sees half of a transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from msgspec import Struct

from router.events.found_field import FoundField
from router.storage.books import Books, Standing
from router.storage.cursor import Cursor
from router.storage.dead_letters import DeadLetters, LetterQuery
from router.storage.entry import Entry
from router.storage.history import History
from router.storage.hits import Hits, Search
from router.storage.inventory import InventoryRows
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeRecord
from router.storage.profile_changes import ProfileChanges
from router.storage.profiles import Profiles
from router.storage.replays import Place, ReplayRows
from router.storage.side_log import SideEntry, SideLog
from router.storage.trace import Trace

REPLAY = "replay"
"""The kind of a destination row that belongs to a replay."""
Counts = Mapping[tuple[str, ...], int]
"""What to add to durable counters: (name, label value, …) to a number, e.g. `("delivered", "crm"): 100`."""


class SegmentDraft(Struct, frozen=True, gc=False):
    """Events that one processing commit adds to the stream."""

    first_position: int
    count: int
    data: bytes
    """The encoded segment (`router.storage.segment`)."""
    message_hashes: bytes
    """16 bytes for each slot, in order: the hash of (workspace, message id)."""
    received_at: int
    """The latest `received_at` in it, in milliseconds."""


class Commit(Struct, frozen=True, gc=False):
    """All that one step of processing changes, written in one transaction."""

    expected_cursor: int
    """The inbox floor that the step started from; another value in the store means a conflict."""
    inbox_cursor: int
    """The inbox floor after the step."""
    segment: SegmentDraft | None
    """None when every event of the step was dropped."""
    counts: Counts
    dead_letters: Sequence[DeadLetter] = ()
    """Events that processing itself had to give up (`processing_error`)."""
    profiles: ProfileChanges | None = None
    """What the step changes of the identity graph."""
    findings: Sequence[FoundField] = ()
    """Fields that probably hold personal data and that the step saw first, in the place of rows with their path."""
    diverted: Sequence[SideEntry] = ()
    """Events that leave for functions that ask others; no budget refuses them, for they were accepted."""


class Settlement(Struct, frozen=True, gc=False):
    """What a destination has to record: where it stands now and what became of the events it passed."""

    destination: str
    cursor: Cursor
    record: OutcomeRecord | None
    counts: Counts
    park: Sequence[Parked] = ()
    """Rows to add or to replace, by position."""
    unpark: Sequence[int] = ()
    """Positions of parked rows that are finished."""
    dead_letters: Sequence[DeadLetter] = ()


class DestinationState(Struct, frozen=True, gc=False):
    """What the store knows of a destination."""

    name: str
    kind: str
    birth: int
    """The stream position from which its events count."""
    cursor: Cursor
    parked: Sequence[Parked] = ()
    until: int | None = None
    """The stream position from which on it gets nothing: fixed when its retirement begins."""
    is_retired: bool = False
    """Whether its retirement is complete: nothing waits for it, and its cursor pins no segment."""

    @property
    def standing(self) -> Standing:
        """What the sums need of it."""
        parked = sum(self.cursor.is_complete(row.position) for row in self.parked)
        return Standing(self.name, self.birth, self.cursor, parked, self.until)


class StoredSegment(Struct, frozen=True, gc=False):
    """A segment as it lies in the store. `data` is empty where the segment was damaged and set aside."""

    first_position: int
    count: int
    data: bytes


class Sighting(Struct, frozen=True, gc=False):
    """Where a message id was seen: its stream position and the event's place in it."""

    position: int
    received_at: int


class StoreFacts(Struct, frozen=True, gc=False):
    """What an operator wants to know of a store; shown by `router doctor`, `/health` and `/metrics`."""

    kind: str
    path: str
    schema_version: int
    inbox_first: int
    """First position still kept."""
    inbox_next: int
    """Position that the next accepted event gets."""
    inbox_cursor: int
    stream_first: int
    stream_next: int
    inbox_bytes: int
    stream_bytes: int
    wal_bytes: int
    free_bytes: int
    """Free space of the disk."""
    set_aside: tuple[tuple[int, int], ...]
    """Half-open ranges of stream positions that were damaged and set aside."""
    is_writable: bool
    """False while writes fail; it turns true again by itself."""
    trouble: str = ""
    """Why it is not writable, for the operator."""
    warnings: tuple[str, ...] = ()
    latest_received_at: int = 0
    """The latest `received_at` that either log ever held: the next entry must not be stamped earlier."""
    side_bytes: int = 0
    """What the side log weighs."""


class Storage(ABC):
    """A store of one router. All methods are called on the router's loop."""

    @abstractmethod
    async def open(self) -> None:
        """Open, migrate and take ownership; raises StoreLocked, StoreTooNew or StorageError."""

    @abstractmethod
    async def close(self) -> None:
        """Commit what waits, release everything; safe to call twice."""

    @property
    @abstractmethod
    def store_id(self) -> bytes:
        """16 random bytes made at birth; the seed of every keyed hash of this store."""

    @abstractmethod
    async def append(self, entries: Sequence[Entry], counts: Counts) -> int:
        """Append `entries` to the inbox durably; return the position of the first event of the first entry.

        Positions run on through the entries. Raises StoreFull when a budget or the disk is spent, and
        StoreUnavailable when the disk fails; then nothing was written. `entries` may be empty.
        """

    @abstractmethod
    async def read_inbox(self, position: int, max_bytes: int) -> list[Entry]:
        """Entries from `position` on, in order, at least one if there is one, about `max_bytes` of bodies."""

    @abstractmethod
    async def commit(self, commit: Commit) -> bool:
        """Write one step of processing; False when `expected_cursor` is not the stored one (nothing written)."""

    @abstractmethod
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record cursors and outcomes; durable on return.

        What the store itself expired meanwhile (a spent budget) stays expired: those positions are taken out of
        the record's runs and of the counts `(outcome, destination)` and `(outcome, destination, reason)`.
        """

    @abstractmethod
    async def read_stream(self, position: int, max_bytes: int) -> list[StoredSegment]:
        """Whole segments from the one that holds `position` on, about `max_bytes`, at least one if there is one."""

    @abstractmethod
    async def search(self, asked: Search) -> Hits:
        """Events of some ids: one look at a bounded part of the stream; damaged segments are passed over."""

    @abstractmethod
    async def seen(self, hashes: Sequence[bytes]) -> list[int | None]:
        """For each 16-byte hash, the stream position at which it was committed in the window, or None."""

    @abstractmethod
    async def find_message(self, message_hash: bytes) -> Sighting | None:
        """Where the message with this hash is, however long ago, as long as the store knows."""

    @abstractmethod
    async def born(
        self, name: str, kind: str, birth: int | None, *, renamed_from: str | None = None
    ) -> DestinationState:
        """Return the destination's state; first commit a new row born at `birth` (None: the stream's end).

        - A row named `renamed_from` becomes this destination's, with cursor, counters and dead letters, if it has none.
        - A retirement that is not complete ends: the destination goes on from its cursor.
        - One that was retired is born anew at `birth`; what it counted stays.
        - One of another kind is born anew where its cursor stands. Raises StorageError where something is parked or
          finished above the cursor's floor: that belongs to the old kind.
        """

    @abstractmethod
    async def destinations(self) -> list[DestinationState]:
        """Every destination that the store knows, also those that are no longer configured."""

    @abstractmethod
    async def conclude(self, name: str) -> DestinationState:
        """Fix the stream's present end as the destination's own end; a second call moves nothing."""

    @abstractmethod
    async def retire(self, name: str) -> int:
        """Complete a retirement: let what still waits expire (reason `retired`) and return how many events that were.

        The destination's cursor pins no segment any more. One that the store does not know is no error.
        """

    @abstractmethod
    async def find_time(self, received_at: int) -> Place:
        """Where the events received at `received_at` (milliseconds) or later begin; the stream's end for none."""

    @property
    @abstractmethod
    def profiles(self) -> Profiles:
        """The identity graph."""

    @property
    @abstractmethod
    def replays(self) -> ReplayRows:
        """The replays."""

    async def parked(self, destination: str) -> list[Parked]:
        """The parked rows of one destination, by position; `kept` is filled where the stream lost the event."""
        states = await self.destinations()
        return [row for state in states if state.name == destination for row in state.parked]

    @abstractmethod
    async def outcomes(self, destination: str, first: int, after: int) -> list[OutcomeRecord]:
        """Outcome records that touch the half-open range of positions."""

    @abstractmethod
    async def parked_at(self, destination: str, position: int) -> Parked | None:
        """The parked row of one event, with its copy where the stream lost it."""

    @abstractmethod
    async def traces(self, position: int, keys: Sequence[str]) -> list[Trace]:
        """What became of the event at `position` at every destination; `keys` are its order keys."""

    @property
    @abstractmethod
    def letters(self) -> DeadLetters:
        """The dead letters."""

    async def dead_letters(self, destination: str | None, limit: int) -> list[DeadLetter]:
        """Whole dead letters, newest first."""
        lines = await self.letters.find(LetterQuery(destination=destination or ""), limit=limit)
        return (await self.letters.read([line.id for line in lines]))[::-1]

    @abstractmethod
    async def books(self) -> Books:
        """Counters and places of one moment, for the sums of conservation."""

    @abstractmethod
    async def counters(self) -> dict[tuple[str, ...], int]:
        """All durable counters."""

    @property
    @abstractmethod
    def history(self) -> History:
        """How the counters grew over time."""

    @property
    @abstractmethod
    def inventory(self) -> InventoryRows:
        """Which events and properties were seen."""

    @property
    @abstractmethod
    def side_log(self) -> SideLog:
        """What waits outside the inbox."""

    @abstractmethod
    async def facts(self) -> StoreFacts:
        """The store's present state."""
