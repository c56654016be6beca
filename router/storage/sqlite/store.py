"""The store in one SQLite file: the verbs of the contract, joined from the parts of this folder.

What is promised is in `router.storage.store`. How: everything written is a turn of one writer, everything read goes
through two read-only connections, and nothing a reader does can hold up the writer.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from router.actors.supervisor import Supervisor
from router.errors import StorageError, StoreUnavailable
from router.storage.books import Books
from router.storage.entry import Entry
from router.storage.hits import Hits, Search
from router.storage.letters import Parked
from router.storage.outcome import OutcomeRecord
from router.storage.replays import Place
from router.storage.sqlite import births, reading, statements, tracing
from router.storage.sqlite.ballast import MARGIN, Ballast
from router.storage.sqlite.budgets import Budget
from router.storage.sqlite.connection import Connection
from router.storage.sqlite.graph.profiles import SqliteProfiles
from router.storage.sqlite.health import Health, warnings
from router.storage.sqlite.keys.keeper import KeyKeeper
from router.storage.sqlite.keys.searching import search
from router.storage.sqlite.letter_rows import fill_lines
from router.storage.sqlite.lock import Lock
from router.storage.sqlite.read_ahead import ReadAhead
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.reading import Damage, Extent
from router.storage.sqlite.replays import find_time
from router.storage.sqlite.rows import Rows
from router.storage.sqlite.schema import configure, migrate
from router.storage.sqlite.seen.ids import SEAL_IDS, SeenIds
from router.storage.sqlite.seen.keeper import Keeper
from router.storage.sqlite.statements import State
from router.storage.sqlite.trim import Trim
from router.storage.sqlite.trimming import Trimming
from router.storage.sqlite.writer import Writer
from router.storage.store import (
    Commit,
    Counts,
    DestinationState,
    Settlement,
    Sighting,
    StoredSegment,
    StoreFacts,
)
from router.storage.trace import Trace
from router.telemetry.happenings import BudgetWarned, SegmentSetAside, StoreOpened
from router.telemetry.signals import Signals

DAY = 86_400


class SqliteStorage(Rows):
    """The default store. Sizes are bytes, times seconds; `clock` tells the time since the epoch."""

    def __init__(
        self,
        *,
        path: Path | str,
        inbox_budget: int = 10 << 30,
        stream_budget: int = 20 << 30,
        side_budget: int = 2 << 30,
        retention: float = DAY,
        dead_letter_retention: float = 30 * DAY,
        dedupe_window: float = DAY,
        free_floor: int = 256 << 20,
        ballast_bytes: int = 64 << 20,
        signals: Signals | None = None,
        clock: Callable[[], float] = time.time,
        seal_ids: int = SEAL_IDS,
        fault: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._path = Path(path)
        self._signals = signals or Signals()
        self._clock = clock
        self._fault = fault
        self._seal = seal_ids
        self._retention = retention
        self._dead_letter_retention = dead_letter_retention
        self._window = dedupe_window
        self._inbox_budget = Budget("inbox", inbox_budget, self._warn)
        self._stream_budget = Budget("stream", stream_budget, self._warn)
        self._side_budget = Budget("side", side_budget, self._warn)
        self._lock = Lock(self._path)
        self._ahead = ReadAhead(self._path)
        self._ballast = Ballast(self._path, ballast_bytes, free_floor)
        self._health = Health(
            self._ballast, self._inbox_budget, floor=free_floor, path=str(self._path), signals=self._signals
        )
        self._expired: dict[str, list[tuple[int, int]]] = {}
        self._connection: Connection | None = None
        self._seen: SeenIds
        self._profiles: SqliteProfiles
        self._trimming: Trimming
        self._keys: KeyKeeper
        self._keepers: Supervisor | None = None
        self._store_id = b""
        self._extent = Extent(None, None, ())

    async def open(self) -> None:
        """Open the file, bring it to this version, and take ownership of it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make the folder of {self._path}: {error.strerror}") from error
        self._lock.take()
        try:
            await self._open()
        except sqlite3.Error as error:
            await self.close()
            raise StorageError(f"{self._path} cannot be opened: {error}") from error
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        self._ballast.look()
        is_full = self._ballast.free() < 4 * MARGIN
        if is_full:
            self._ballast.release()
        elif not self._ballast.is_held:
            is_full = not self._ballast.take()
        found: list[bytes] = []

        def prepare(database: sqlite3.Connection) -> None:
            if found:
                configure(database)
            else:
                found.append(migrate(database, self._path, {3: fill_lines}))

        self._connection = await Connection.open(self._path, prepare)
        self._store_id = found[0]
        state = await self._connection.run(statements.read_state)
        self._writer = Writer(self._connection, self._path, self._health, self._expired, fault=self._fault)
        self._readers = Readers(self._writer)
        await self._readers.open(self._path)
        trim = Trim(
            retention=self._retention,
            letters=self._dead_letter_retention,
            window=self._window,
            budget=self._stream_budget.limit,
            store_id=self._store_id,
            now=self._clock,
            wal_bytes=lambda: self._writer.wal_excess,
        )
        self._trimming = Trimming(trim, self._writer, self._expired)
        self._seen = SeenIds(self._readers, window=int(self._window * 1000), seal=self._seal)
        self._seen.start(state.stream_next)
        self._profiles = SqliteProfiles(self._readers, self._writer, self._store_id, self._ahead)
        self._keepers = Supervisor()
        if is_full:
            self._health.found_full()
        self._writer.start(state)
        self._keepers.start(Keeper(self._seen, self._readers, self._writer, latest=self._latest_committed))
        self._keys = KeyKeeper(self._readers, self._writer)
        self._keepers.start(self._keys)
        self._signals.emit(StoreOpened(str(self._path), state.inbox_next - state.inbox_cursor))

    async def close(self) -> None:
        """Commit what waits and release everything."""
        connection, self._connection = self._connection, None
        keepers, self._keepers = self._keepers, None
        async with AsyncExitStack() as last:
            last.callback(self._lock.release)
            last.callback(self._ahead.close)
            if connection is not None:
                last.push_async_callback(connection.close)
            if hasattr(self, "_readers"):
                last.push_async_callback(self._readers.close)
            if connection is not None and hasattr(self, "_writer"):
                last.push_async_callback(self._writer.close)
            if keepers is not None:
                await keepers.stop()

    @property
    def store_id(self) -> bytes:
        """16 random bytes made at birth."""
        return self._store_id

    @property
    def is_index_loaded(self) -> bool:
        """Whether questions about message ids are answered without waiting for the start."""
        return self._seen.loaded.is_set()

    async def wait_for_index(self) -> None:
        """Return when the index of message ids is loaded, and nothing of it or of the directories waits to be done."""
        await self._keys.idle.wait()
        while self._seen.work.is_set() or not self._seen.idle.is_set():
            await self._seen.idle.wait()
            await asyncio.sleep(0)

    async def append(self, entries: Sequence[Entry], counts: Counts) -> int:
        """Append durably; raises StoreFull or StoreUnavailable, and then nothing was written."""
        position = await self._open_writer.append(entries, counts)
        self._inbox_budget.note(self._writer.state.inbox_bytes + self._writer.wal_excess)
        return position

    async def read_inbox(self, position: int, max_bytes: int) -> list[Entry]:
        """Entries from `position` on; a damaged row is set aside and passed."""
        read = partial(reading.read_inbox, position=position, max_bytes=max_bytes)
        found = await self._open_readers.read(read)
        for damage in found.damaged:
            await self._set_aside(statements.set_aside_inbox, damage)
        return found.entries

    async def commit(self, commit: Commit) -> bool:
        """Write one step of processing, or nothing."""
        segment = commit.segment
        writer = self._open_writer
        await self._seen.wait_for_room()
        if commit.profiles is not None:
            await self._profiles.wait_for_room()

        def learn(is_committed: bool) -> None:
            is_learnt = is_committed and segment is not None
            expected = segment.first_position if is_learnt and segment else self._writer.state.stream_next
            if self._seen.tail.after != expected:  # an earlier commit was written although its turn failed
                self._seen.skip_to(expected)
            if is_learnt and segment is not None:
                self._seen.committed(segment.first_position, segment.message_hashes, segment.received_at)
                self._keys.committed()
            if is_committed:
                self._profiles.committed(commit.profiles)

        try:
            is_committed = await writer.commit(commit, learn)
        except StorageError:
            self._profiles.doubt()
            raise
        self._stream_budget.note(self._writer.state.stream_bytes + self._writer.wal_excess)
        self._look_for_trimming()
        return is_committed

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record cursors and outcomes."""
        await self._open_writer.settle(settlements)
        self._look_for_trimming()

    async def read_stream(self, position: int, max_bytes: int) -> list[StoredSegment]:
        """Whole segments; a damaged one is set aside and comes back empty."""
        read = partial(reading.read_stream, position=position, max_bytes=max_bytes)
        found = await self._open_readers.read(read)
        for damage in found.damaged:
            await self._set_aside(statements.set_aside_segment, damage)
        return found.segments

    async def search(self, asked: Search) -> Hits:
        """Events of some ids."""
        return await self._open_readers.read(partial(search, asked=asked))

    async def seen(self, hashes: Sequence[bytes]) -> list[int | None]:
        """The positions of the hashes that were committed within the window; waits until the index is loaded."""
        return await self._seen.seen(hashes)

    async def find_message(self, message_hash: bytes) -> Sighting | None:
        """Where the message is, if it was committed within the window."""
        position = (await self._seen.seen([message_hash]))[0]
        if position is None:
            return None
        return await self._readers.read(lambda database: reading.read_sighting(database, position))

    async def born(
        self, name: str, kind: str, birth: int | None, *, renamed_from: str | None = None
    ) -> DestinationState:
        """Return the destination's state, as it is or newly born."""
        return await self._open_writer.step(partial(births.bear, name, kind, birth, renamed_from))

    async def conclude(self, name: str) -> DestinationState:
        """Fix where the stream ends for the destination."""
        return await self._open_writer.step(partial(births.conclude, name))

    async def retire(self, name: str) -> int:
        """Let what waits for the destination expire, and its cursor pin no segment any more."""
        return await self._open_writer.step(partial(births.retire, name, int(self._clock() * 1000)))

    async def find_time(self, received_at: int) -> Place:
        """Where the events of that moment begin."""
        return await self._open_readers.read(partial(find_time, received_at, self._writer.state.stream_next))

    @property
    def profiles(self) -> SqliteProfiles:
        """The identity graph."""
        if self._connection is None:
            raise StoreUnavailable("the store is not open")
        return self._profiles

    async def destinations(self) -> list[DestinationState]:
        """Every destination."""
        return await self._open_readers.read(reading.read_destinations)

    async def parked_at(self, destination: str, position: int) -> Parked | None:
        """The parked row of one event."""
        return await self._open_readers.read(partial(tracing.read_parked, destination, position))

    async def traces(self, position: int, keys: Sequence[str]) -> list[Trace]:
        """What became of an event at every destination."""
        return await self._open_readers.read(partial(tracing.read_traces, position, keys))

    async def outcomes(self, destination: str, first: int, after: int) -> list[OutcomeRecord]:
        """Outcome records that touch the range."""
        read = partial(reading.read_outcomes, name=destination, first=first, after=after)
        return await self._open_readers.read(read)

    async def books(self) -> Books:
        """Counters and places of one moment."""
        return await self._open_readers.read(tracing.read_books)

    async def counters(self) -> dict[tuple[str, ...], int]:
        """All durable counters."""
        return await self._open_readers.read(reading.read_counters)

    async def facts(self) -> StoreFacts:
        """The store's present state; while the disk fails, the last that was known."""
        try:
            self._extent = await self._open_readers.read(reading.read_extent)
        except StoreUnavailable:
            if self._connection is None:
                raise
        return reading.facts(
            self._extent,
            self._writer.state,
            path=str(self._path),
            wal_bytes=self._writer.wal_bytes,
            free_bytes=self._ballast.free(),
            trouble=self._health.trouble,
            warnings=warnings(self._keepers),
        )

    def look_again(self) -> None:
        """Try at once whether trouble with the disk is over; otherwise that happens every few seconds."""
        self._open_writer.probe()

    async def trim(self) -> None:
        """Let everything go that may go now; otherwise it happens by and by, beside the commits."""
        while (await self._trimming.once()).has_more:
            pass

    def _look_for_trimming(self) -> None:
        self._trimming.note(is_urgent=self._stream_budget.is_spent(self._writer.state.stream_bytes))

    async def _set_aside(
        self, write: Callable[[sqlite3.Connection, State, int, str], None], damage: Damage
    ) -> None:
        try:
            await self._open_writer.step(
                lambda database, state: write(database, state, damage.first, damage.reason)
            )
        except StorageError:
            return  # it stays where it is and is met again
        self._signals.emit(SegmentSetAside(damage.first, damage.after, damage.reason))

    def _warn(self, name: str, share: float, seconds_left: float | None) -> None:
        self._signals.emit(BudgetWarned(name, share, seconds_left))

    def _latest_committed(self) -> int:
        return self._writer.state.latest_committed
