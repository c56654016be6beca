"""What readers fetch; every function is one read on a reading connection's thread."""

import sqlite3

import msgspec
import zstandard
from msgspec import Struct
from msgspec.structs import replace

from router.storage.entry import Entry
from router.storage.letters import Parked
from router.storage.outcome import OutcomeRecord
from router.storage.segment_layout import SegmentDamaged, check, decompressor
from router.storage.sqlite import statements
from router.storage.sqlite.schema import LONG_RECORD, SCHEMA_VERSION
from router.storage.sqlite.statements import ZSTD
from router.storage.store import DestinationState, Sighting, StoredSegment, StoreFacts

_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode
MOST_SEGMENTS = 256


class Damage(Struct, frozen=True):
    """A row that cannot be read, and why."""

    first: int
    after: int
    reason: str


class EntriesRead(Struct, frozen=True):
    """Entries found, and damaged rows met on the way."""

    entries: list[Entry]
    damaged: list[Damage]


class SegmentsRead(Struct, frozen=True):
    """Segments found, and which of them are damaged (their data is left out)."""

    segments: list[StoredSegment]
    damaged: list[Damage]


def read_inbox(database: sqlite3.Connection, position: int, max_bytes: int) -> EntriesRead:
    """Entries from `position` on, at least one if there is one that can be read."""
    entries: list[Entry] = []
    damaged: list[Damage] = []
    size, at = 0, position
    while size < max_bytes or not entries:
        place = database.execute(
            "SELECT first, after, codec, checksum FROM inbox WHERE first >= "
            "coalesce((SELECT max(first) FROM inbox WHERE first <= ?1), ?1) AND after > ?1 ORDER BY first LIMIT 1",
            (at,),
        ).fetchone()
        if place is None:
            break
        first, at = place[0], place[1]
        try:
            row = _read_row(database, first, place[2], place[3])
        except (SegmentDamaged, sqlite3.DatabaseError, zstandard.ZstdError, msgspec.MsgspecError) as error:
            damaged.append(Damage(first, at, f"inbox row: {error}"))
            continue
        for entry in row:
            if first + entry.events > position:
                if entries and size + len(entry.body) > max_bytes:
                    return EntriesRead(entries, damaged)
                entries.append(replace(entry, position=first))
                size += len(entry.body)
            first += entry.events
    return EntriesRead(entries, damaged)


def _read_row(database: sqlite3.Connection, first: int, codec: int, checksum: int) -> list[Entry]:
    data = database.execute("SELECT data FROM inbox WHERE first = ?", (first,)).fetchone()[0]
    if statements.checksum(data) != checksum:
        raise SegmentDamaged("its checksum does not match")
    return _decode_entries(decompressor()(data) if codec == ZSTD else data)


def read_stream(database: sqlite3.Connection, position: int, max_bytes: int) -> SegmentsRead:
    """Whole segments from the one that holds `position` on."""
    segments: list[StoredSegment] = []
    damaged: list[Damage] = []
    size = 0
    rows = database.execute(
        "SELECT first, count, size FROM stream WHERE first >= "
        "coalesce((SELECT max(first) FROM stream WHERE first <= ?1), 0) AND first + count > ?1 ORDER BY first LIMIT ?2",
        (position, MOST_SEGMENTS),
    ).fetchall()
    wanted: list[tuple[int, int, int]] = []
    for first, count, weight in rows:
        if wanted and size + weight > max_bytes:
            break
        wanted.append((first, count, weight))
        size += weight
    for first, count, weight in wanted:
        try:
            row = database.execute("SELECT data FROM stream WHERE first = ?", (first,)).fetchone()
            if row is None:  # trimmed since the list was read
                continue
            data = row[0]
            if weight:
                check(data)
        except (SegmentDamaged, sqlite3.DatabaseError) as error:
            damaged.append(Damage(first, first + count, str(error)))
            data = b""
        segments.append(StoredSegment(first, count, data))
    return SegmentsRead(segments, damaged)


def read_destinations(database: sqlite3.Connection) -> list[DestinationState]:
    """Every destination."""
    names = database.execute("SELECT name FROM destinations ORDER BY id").fetchall()
    states = [read_destination(database, name) for (name,) in names]
    return [state for state in states if state is not None]


def read_destination(database: sqlite3.Connection, name: str) -> DestinationState | None:
    """One destination, or None when the store does not know it."""
    row = database.execute(
        "SELECT id, kind, birth, cursor, until, is_retired FROM destinations WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        return None
    parked = database.execute(
        "SELECT row, kept FROM parked WHERE destination = ? ORDER BY position", (row[0],)
    ).fetchall()
    cursor = statements.decode_cursor(row[3])
    rows = [_parked(*one) for one in parked]
    return DestinationState(name, row[1], row[2], cursor, rows, until=row[4], is_retired=bool(row[5]))


def _parked(row: bytes, kept: bytes) -> Parked:
    parked = statements.decode_parked(row)
    return replace(parked, kept=kept) if kept else parked


def read_outcomes(database: sqlite3.Connection, name: str, first: int, after: int) -> list[OutcomeRecord]:
    """Outcome records of a destination that touch the range: the short ones near it, and the few long ones."""
    rows = database.execute(
        "WITH place AS (SELECT id FROM outcomes INDEXED BY outcomes_by_place WHERE destination = ?1 "
        "AND after > ?2 AND after < ?3 + ?4 AND first < ?3 "
        "UNION SELECT id FROM outcomes INDEXED BY outcomes_long WHERE destination = ?1 AND after > ?2 AND first < ?3 "
        f"AND after - first > {LONG_RECORD}) "
        "SELECT record FROM outcomes WHERE id IN place ORDER BY id",
        (_number(database, name), first, after, LONG_RECORD),
    )
    records = [statements.decode_record(row[0]) for row in rows.fetchall()]
    return [
        one for one in records if any(run.first < after and run.first + run.count > first for run in one.runs)
    ]


def _number(database: sqlite3.Connection, name: str) -> int | None:
    row = database.execute("SELECT id FROM destinations WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def read_counters(database: sqlite3.Connection) -> dict[tuple[str, ...], int]:
    """All counters."""
    rows = database.execute("SELECT name, value FROM counters").fetchall()
    return {statements.decode_name(name): value for name, value in rows}


def read_sighting(database: sqlite3.Connection, position: int) -> Sighting | None:
    """Position and time of an event of the window."""
    row = database.execute(
        "SELECT received_at FROM message_hashes WHERE first <= ? AND first + count > ? ORDER BY first DESC LIMIT 1",
        (position, position),
    ).fetchone()
    return Sighting(position, row[0]) if row else None


class Extent(Struct, frozen=True):
    """How far both logs reach back, and what was set aside."""

    inbox_first: int | None
    stream_first: int | None
    set_aside: tuple[tuple[int, int], ...]


def read_extent(database: sqlite3.Connection) -> Extent:
    """The ends of the logs that only the file knows."""
    inbox = database.execute("SELECT min(first) FROM inbox").fetchone()[0]
    stream = database.execute("SELECT min(first) FROM stream").fetchone()[0]
    rows = database.execute(
        "SELECT first, after FROM set_aside WHERE log = 'stream' ORDER BY first"
    ).fetchall()
    return Extent(inbox, stream, tuple((first, after) for first, after in rows))


def facts(
    extent: Extent,
    state: statements.State,
    *,
    path: str,
    wal_bytes: int,
    free_bytes: int,
    trouble: str,
    warnings: tuple[str, ...],
) -> StoreFacts:
    """What an operator wants to know, of what the file and the writer know."""
    return StoreFacts(
        kind="sqlite",
        path=path,
        schema_version=SCHEMA_VERSION,
        inbox_first=state.inbox_next if extent.inbox_first is None else extent.inbox_first,
        inbox_next=state.inbox_next,
        inbox_cursor=state.inbox_cursor,
        stream_first=state.stream_next if extent.stream_first is None else extent.stream_first,
        stream_next=state.stream_next,
        inbox_bytes=state.inbox_bytes,
        stream_bytes=state.stream_bytes,
        wal_bytes=wal_bytes,
        free_bytes=free_bytes,
        set_aside=extent.set_aside,
        is_writable=not trouble,
        trouble=trouble,
        warnings=warnings,
        latest_received_at=state.latest,
        side_bytes=state.side_bytes,
    )
