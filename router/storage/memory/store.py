"""A store that keeps everything in memory: for tests, and as the plainest statement of the contract.

No verb has an `await` between its checks and its changes, so each of them is one transaction.
"""

import os
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from router.errors import StorageError, StoreFull
from router.storage.books import Books
from router.storage.cursor import Cursor
from router.storage.entry import Entry
from router.storage.hits import Hits, Search
from router.storage.letters import DeadLetter, Parked
from router.storage.memory.dead_letters import MemoryDeadLetters
from router.storage.memory.history import MemoryHistory
from router.storage.memory.inventory import MemoryInventory
from router.storage.memory.profiles import MemoryProfiles
from router.storage.memory.replays import MemoryReplays
from router.storage.memory.searching import search
from router.storage.memory.side_log import MemorySideLog
from router.storage.outcome import OutcomeRecord, Run
from router.storage.replays import Place
from router.storage.retirement import DESTINATION_COUNTERS, last_settlement
from router.storage.store import (
    Commit,
    Counts,
    DestinationState,
    SegmentDraft,
    Settlement,
    Sighting,
    Storage,
    StoredSegment,
    StoreFacts,
)
from router.storage.trace import Trace

SCHEMA_VERSION = 1


class MemoryStorage(Storage):
    """The contract in memory; `dedupe_window` is in seconds, the budgets in bytes of bodies."""

    def __init__(
        self,
        *,
        dedupe_window: float = 86_400,
        inbox_budget: int | None = None,
        side_budget: int | None = None,
        store_id: bytes | None = None,
    ) -> None:
        self._store_id = os.urandom(16) if store_id is None else store_id
        self._dedupe_window = int(dedupe_window * 1000)
        self._inbox_budget = inbox_budget
        self._entries: list[Entry] = []
        self._inbox_next = 0
        self._inbox_cursor = 0
        self._segments: list[StoredSegment] = []
        self._stream_next = 0
        self._latest = 0
        self._latest_committed = 0
        self._hashes: dict[bytes, Sighting] = {}
        self._counters: Counter[tuple[str, ...]] = Counter()
        self._destinations: dict[str, DestinationState] = {}
        self._parked: dict[str, dict[int, Parked]] = {}
        self._records: dict[str, list[OutcomeRecord]] = {}
        self._letters = MemoryDeadLetters(self._revive)
        self._times: list[int] = []
        self._replays = MemoryReplays(self)
        self._history = MemoryHistory(self._counters)
        self._inventory = MemoryInventory()
        self._side_log = MemorySideLog(self._count, self._letters, budget=side_budget)
        self._profiles = MemoryProfiles()

    async def open(self) -> None:
        """Nothing is to be opened."""

    async def close(self) -> None:
        """Nothing is to be closed."""

    @property
    def store_id(self) -> bytes:
        """16 random bytes made with the object."""
        return self._store_id

    async def append(self, entries: Sequence[Entry], counts: Counts) -> int:
        """Append `entries`; raises StoreFull above the budget."""
        if entries and self._inbox_budget is not None and self._inbox_bytes() >= self._inbox_budget:
            raise StoreFull("the inbox budget is spent")
        first = self._inbox_next
        for entry in entries:
            self._entries.append(replace(entry, position=self._inbox_next))
            self._inbox_next += entry.events
            self._latest = max(self._latest, entry.received_at)
        self._count(counts)
        return first

    async def read_inbox(self, position: int, max_bytes: int) -> list[Entry]:
        """Entries from `position` on."""
        found: list[Entry] = []
        size = 0
        start = bisect_right(self._entries, position, key=lambda entry: entry.position + entry.events)
        for entry in self._entries[start:]:
            if found and size + len(entry.body) > max_bytes:
                break
            found.append(entry)
            size += len(entry.body)
        return found

    async def commit(self, commit: Commit) -> bool:
        """Write one step of processing, or nothing."""
        if not self._is_expected(commit):
            return False
        if commit.segment is not None:
            self._add_segment(commit.segment)
        if commit.profiles is not None:
            self._profiles.write(commit.profiles)
        self._inventory.findings.add(commit.findings)
        self._finish(commit)
        return True

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record cursors and outcomes."""
        for settlement in settlements:
            if settlement.destination not in self._destinations:
                raise StorageError(
                    f"destination {settlement.destination!r} is not known to the store; call born first"
                )
        for settlement in settlements:
            name = settlement.destination
            self._destinations[name] = replace(self._destinations[name], cursor=settlement.cursor)
            if settlement.record is not None:
                self._records[name].append(settlement.record)
            rows = self._parked[name]
            for position in settlement.unpark:
                rows.pop(position, None)
            for row in settlement.park:
                kept = row.kept or (rows[row.position].kept if row.position in rows else b"")
                rows[row.position] = replace(row, kept=kept)
            self._letters.add(settlement.dead_letters)
            self._count(settlement.counts)

    async def read_stream(self, position: int, max_bytes: int) -> list[StoredSegment]:
        """Whole segments from the one that holds `position` on."""
        found: list[StoredSegment] = []
        size = 0
        segments = self._readable()
        start = bisect_right(segments, position, key=lambda one: one.first_position + one.count)
        for segment in segments[start:]:
            if found and size + len(segment.data) > max_bytes:
                break
            found.append(segment)
            size += len(segment.data)
        return found

    async def search(self, asked: Search) -> Hits:
        """Events of some ids."""
        segments = await self.read_stream(asked.first, 1 << 62)
        return search(segments if not asked.newest_first else segments[::-1], asked)

    async def seen(self, hashes: Sequence[bytes]) -> list[int | None]:
        """The positions of the hashes that were committed within the window."""
        oldest = self._latest_committed - self._dedupe_window
        sightings = map(self._hashes.get, hashes)
        return [one.position if one and one.received_at >= oldest else None for one in sightings]

    async def find_message(self, message_hash: bytes) -> Sighting | None:
        """Where the message is."""
        return self._hashes.get(message_hash)

    async def born(
        self, name: str, kind: str, birth: int | None, *, renamed_from: str | None = None
    ) -> DestinationState:
        """Return the destination's state, as it is or newly born."""
        if name not in self._destinations and renamed_from in self._destinations:
            self._rename(renamed_from, name)
        known = self._destinations.get(name)
        place = self._stream_next if birth is None else birth
        if known is None:
            self._parked[name] = {}
            self._records[name] = []
        elif known.is_retired:
            pass
        elif known.kind != kind:
            if self._parked[name] or known.cursor.ranges:
                raise StorageError(f"destination {name!r} cannot change its kind: events wait for it")
            place = known.cursor.floor
        else:
            self._destinations[name] = replace(known, until=None)
            return self._state(name)
        self._destinations[name] = DestinationState(name, kind, place, Cursor(place))
        return self._state(name)

    async def conclude(self, name: str) -> DestinationState:
        """Fix where the stream ends for the destination."""
        if name not in self._destinations:
            raise StorageError(f"destination {name!r} is not known to the store; call born first")
        known = self._destinations[name]
        self._destinations[name] = replace(
            known, until=self._stream_next if known.until is None else known.until
        )
        return self._state(name)

    async def retire(self, name: str) -> int:
        """Let what waits for the destination expire."""
        known = self._destinations.get(name)
        if known is None or known.is_retired:
            return 0
        end = self._stream_next if known.until is None else known.until
        settlement = last_settlement(self._state(name), end, at=self._latest)
        await self.settle([settlement])
        self._destinations[name] = replace(self._destinations[name], until=end, is_retired=True)
        return sum(run.count for run in settlement.record.runs) if settlement.record else 0

    async def destinations(self) -> list[DestinationState]:
        """Every destination."""
        return [self._state(name) for name in self._destinations]

    async def find_time(self, received_at: int) -> Place:
        """Where the events of that moment begin; nothing is ever gone here."""
        index = bisect_left(self._times, received_at)
        found = self._segments[index].first_position if index < len(self._segments) else self._stream_next
        return Place(found, found, is_exact=True)

    @property
    def profiles(self) -> MemoryProfiles:
        """The identity graph."""
        return self._profiles

    @property
    def replays(self) -> "MemoryReplays":
        """The replays."""
        return self._replays

    def bound(self, name: str, until: int, *, is_retired: bool) -> None:
        """Fix the end of a replay's row, and whether it is over."""
        self._destinations[name] = replace(self._destinations[name], until=until, is_retired=is_retired)

    async def outcomes(self, destination: str, first: int, after: int) -> list[OutcomeRecord]:
        """Outcome records that touch the range."""
        return [
            record
            for record in self._records.get(destination, ())
            if any(run.first < after and run.first + run.count > first for run in record.runs)
        ]

    async def parked_at(self, destination: str, position: int) -> Parked | None:
        """The parked row of one event."""
        return self._parked.get(destination, {}).get(position)

    async def traces(self, position: int, keys: Sequence[str]) -> list[Trace]:
        """What became of an event at every destination."""
        return [await self._trace(one, position, frozenset(keys)) for one in self._destinations.values()]

    @property
    def letters(self) -> MemoryDeadLetters:
        """The dead letters."""
        return self._letters

    async def books(self) -> Books:
        """Counters and places of one moment."""
        return Books(
            inbox_cursor=self._inbox_cursor,
            inbox_lost=0,
            stream_next=self._stream_next,
            counters=tuple(self._counters.items()),
            destinations=tuple(self._state(name).standing for name in self._destinations),
            lanes=self._side_log.present(),
        )

    async def counters(self) -> dict[tuple[str, ...], int]:
        """All counters."""
        return dict(self._counters)

    @property
    def history(self) -> MemoryHistory:
        """How the counters grew over time."""
        return self._history

    @property
    def inventory(self) -> MemoryInventory:
        """The inventory."""
        return self._inventory

    @property
    def side_log(self) -> MemorySideLog:
        """What waits outside the inbox."""
        return self._side_log

    async def facts(self) -> StoreFacts:
        """The store's present state."""
        return StoreFacts(
            kind="memory",
            path="",
            schema_version=SCHEMA_VERSION,
            inbox_first=self._entries[0].position if self._entries else self._inbox_next,
            inbox_next=self._inbox_next,
            inbox_cursor=self._inbox_cursor,
            stream_first=self._segments[0].first_position if self._segments else self._stream_next,
            stream_next=self._stream_next,
            inbox_bytes=self._inbox_bytes(),
            stream_bytes=sum(len(segment.data) for segment in self._segments),
            wal_bytes=0,
            free_bytes=0,
            set_aside=(),
            is_writable=True,
            latest_received_at=self._latest,
        )

    def _readable(self) -> list[StoredSegment]:
        return self._segments

    def _is_expected(self, commit: Commit) -> bool:
        segment = commit.segment
        return commit.expected_cursor == self._inbox_cursor and (
            segment is None or segment.first_position == self._stream_next
        )

    def _add_segment(self, draft: SegmentDraft) -> None:
        self._segments.append(StoredSegment(draft.first_position, draft.count, draft.data))
        self._times.append(draft.received_at)
        self._stream_next = draft.first_position + draft.count
        self._latest = max(self._latest, draft.received_at)
        self._latest_committed = max(self._latest_committed, draft.received_at)
        for slot in range(draft.count):
            message_hash = draft.message_hashes[16 * slot : 16 * slot + 16]
            old = self._hashes.get(message_hash)
            if old is None or old.received_at < self._latest_committed - self._dedupe_window:
                self._hashes[message_hash] = Sighting(draft.first_position + slot, draft.received_at)

    def _finish(self, commit: Commit) -> None:
        self._inbox_cursor = commit.inbox_cursor
        done = bisect_right(
            self._entries, commit.inbox_cursor, key=lambda entry: entry.position + entry.events
        )
        del self._entries[:done]
        self._letters.add(commit.dead_letters)
        self._count(commit.counts)
        for entry in commit.diverted:
            self._side_log.take(entry)

    def _state(self, name: str) -> DestinationState:
        rows = self._parked[name]
        return replace(self._destinations[name], parked=[rows[position] for position in sorted(rows)])

    def _rename(self, old: str, new: str) -> None:
        self._destinations[new] = replace(self._destinations.pop(old), name=new)
        self._parked[new] = self._parked.pop(old)
        self._records[new] = self._records.pop(old)
        self._letters.rename(old, new)
        for name in [one for one in self._counters if one[0] in DESTINATION_COUNTERS and one[1:2] == (old,)]:
            self._counters[name[0], new, *name[2:]] += self._counters.pop(name)

    async def _trace(self, state: DestinationState, position: int, keys: frozenset[str]) -> Trace:
        rows = self._parked[state.name]
        before = [one for one in sorted(rows) if one < position and not keys.isdisjoint(rows[one].keys)]
        return Trace(
            destination=state.name,
            kind=state.kind,
            birth=state.birth,
            is_retired=state.is_retired,
            cursor=state.cursor,
            records=await self.outcomes(state.name, position, position + 1),
            parked=rows.get(position),
            barrier=before[0] if before else None,
        )

    def _revive(self, letter: DeadLetter, row: Parked, now: int) -> bool:
        name = letter.destination
        if name not in self._destinations or self._destinations[name].is_retired:
            return False
        self._parked[name][row.position] = row
        run = Run(row.position, 1, "revived", letter.reason, letter.attempts)
        self._records[name].append(OutcomeRecord(now, (run,)))
        self._count({("dead", name, letter.reason): -1, ("revived", name, letter.reason): 1})
        return True

    def _count(self, counts: Counts) -> None:
        for name, amount in counts.items():
            self._counters[name] += amount

    def _inbox_bytes(self) -> int:
        return sum(len(entry.body) for entry in self._entries)
