"""The rows that a turn writes. Every function runs inside the turn's transaction, on the writer's thread."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from xxhash import xxh3_64_intdigest

from router.errors import StorageError
from router.storage.cursor import Cursor
from router.storage.entry import Entry
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment_layout import compressor
from router.storage.sqlite.expired import Ranges, without_expired
from router.storage.sqlite.graph import tables
from router.storage.sqlite.graph.tables import Packed
from router.storage.sqlite.letter_rows import add_letters
from router.storage.sqlite.schema import LONG_RECORD, PAGE_SIZE
from router.storage.store import Commit, Counts, Settlement

ROW_BYTES = 1 << 20
"""A group with more bodies than this is cut into several rows, so that reading back has a bounded grain."""
COMPRESS_BYTES = 512
PLAIN, ZSTD = 0, 1
_SIGNED = 1 << 63
encode = msgspec.msgpack.Encoder().encode
decode_cursor = msgspec.msgpack.Decoder(Cursor).decode
decode_record = msgspec.msgpack.Decoder(OutcomeRecord).decode
decode_parked = msgspec.msgpack.Decoder(Parked).decode
decode_letter = msgspec.msgpack.Decoder(DeadLetter).decode
decode_name = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class State(Struct):
    """The one row of `store`: where both logs end and what they weigh. Read and written by each turn."""

    inbox_next: int
    inbox_cursor: int
    stream_next: int
    latest: int
    latest_committed: int
    inbox_bytes: int
    stream_bytes: int
    graph_next: int = 0
    """Number of the next commit that changes profiles."""
    changes_next: int = 0
    """Number of the next entry in the log of their changes."""
    side_bytes: int = 0
    """What the side log weighs."""


class InboxRow(Struct, frozen=True):
    """Neighbouring entries on their way into one row."""

    events: int
    size: int
    codec: int
    checksum: int
    data: bytes


def checksum(data: bytes) -> int:
    """A checksum that fits into SQLite's signed integers."""
    return xxh3_64_intdigest(data) - _SIGNED


def weight(size: int) -> int:
    """What a row of `size` bytes takes in the file: whole pages once it is big."""
    return -(-size // PAGE_SIZE) * PAGE_SIZE if size > PAGE_SIZE // 2 else size + 64


def read_state(database: sqlite3.Connection) -> State:
    """Read the row of `store`."""
    row = database.execute(
        "SELECT inbox_next, inbox_cursor, stream_next, latest, latest_committed, inbox_bytes, stream_bytes, "
        "graph_next, changes_next, side_bytes FROM store"
    ).fetchone()
    return State(*row)


def write_state(database: sqlite3.Connection, state: State) -> None:
    """Write the row of `store`."""
    database.execute(
        "UPDATE store SET inbox_next=?, inbox_cursor=?, stream_next=?, latest=?, latest_committed=?, inbox_bytes=?, "
        "stream_bytes=?, graph_next=?, changes_next=?, side_bytes=? WHERE id = 1",
        msgspec.structs.astuple(state),
    )


def pack_entries(entries: Sequence[Entry]) -> list[InboxRow]:
    """Encode and compress entries for the inbox, a row for about each `ROW_BYTES` of bodies."""
    rows = []
    start = size = 0
    for index, entry in enumerate(entries):
        size += len(entry.body)
        if size >= ROW_BYTES or index == len(entries) - 1:
            rows.append(_pack(entries[start : index + 1]))
            start, size = index + 1, 0
    return rows


def _pack(entries: Sequence[Entry]) -> InboxRow:
    data, codec = encode(entries), PLAIN
    if len(data) > COMPRESS_BYTES:
        data, codec = compressor(1)(data), ZSTD
    return InboxRow(sum([one.events for one in entries]), weight(len(data)), codec, checksum(data), data)


def append(database: sqlite3.Connection, state: State, rows: Sequence[InboxRow]) -> None:
    """Add rows to the inbox."""
    for row in rows:
        after = state.inbox_next + row.events
        database.execute(
            "INSERT INTO inbox VALUES (?,?,?,?,?,?)",
            (state.inbox_next, after, row.size, row.codec, row.checksum, row.data),
        )
        state.inbox_next = after
        state.inbox_bytes += row.size


def commit(database: sqlite3.Connection, state: State, step: Commit, graph: Packed | None) -> bool:
    """Write a processing step, or return False when it does not continue what is stored."""
    segment = step.segment
    if step.expected_cursor != state.inbox_cursor or (
        segment and segment.first_position != state.stream_next
    ):
        return False
    if segment is not None:
        size = weight(len(segment.data))
        facts = (segment.first_position, segment.count, segment.received_at)
        database.execute("INSERT INTO stream VALUES (?,?,?,?,?)", (*facts, size, segment.data))
        database.execute("INSERT INTO message_hashes VALUES (?,?,?,?)", (*facts, segment.message_hashes))
        state.stream_next += segment.count
        state.stream_bytes += size
        state.latest_committed = max(state.latest_committed, segment.received_at)
        state.latest = max(state.latest, segment.received_at)
    gone = database.execute(
        "DELETE FROM inbox WHERE first < ? AND after <= ? RETURNING size",
        (step.inbox_cursor, step.inbox_cursor),
    ).fetchall()
    state.inbox_bytes -= sum([row[0] for row in gone])
    state.inbox_cursor = step.inbox_cursor
    add_letters(database, step.dead_letters)
    count(database, step.counts)
    if step.findings:
        rows = [(one.path, encode(one)) for one in step.findings]
        database.executemany("INSERT OR REPLACE INTO found_fields VALUES (?,?)", rows)
    if graph is not None:
        tables.write(database, graph, state.graph_next, state.changes_next, state.latest)
        state.graph_next += 1
        state.changes_next += len(graph.changes.log)
    return True


def settle(
    database: sqlite3.Connection, settlements: Sequence[Settlement], expired: Mapping[str, Ranges]
) -> None:
    """Record cursors, outcomes, parked rows and dead letters of destinations."""
    for settlement in settlements:
        row = database.execute(
            "SELECT id FROM destinations WHERE name = ?", (settlement.destination,)
        ).fetchone()
        if row is None:
            raise StorageError(
                f"destination {settlement.destination!r} is not known to the store; call born first"
            )
        if settlement.destination in expired:
            settlement = without_expired(settlement, expired[settlement.destination])
        number = row[0]
        save_cursor(database, number, settlement.cursor)
        if settlement.record is not None and settlement.record.runs:
            add_record(database, number, settlement.record)
        if settlement.unpark:
            database.executemany(
                "DELETE FROM parked WHERE destination = ? AND position = ?",
                [(number, position) for position in settlement.unpark],
            )
        if settlement.park:
            park(database, number, settlement.park)
        add_letters(database, settlement.dead_letters)
        count(database, settlement.counts)


def park(database: sqlite3.Connection, number: int, rows: Sequence[Parked]) -> None:
    """Add parked rows of a destination or replace them; a copy of the event is not lost by that."""
    database.executemany(
        "INSERT INTO parked VALUES (?1,?2,?3,?4) ON CONFLICT DO UPDATE SET row = excluded.row, "
        "kept = iif(length(excluded.kept), excluded.kept, kept)",
        [(number, one.position, encode(msgspec.structs.replace(one, kept=b"")), one.kept) for one in rows],
    )


def save_cursor(database: sqlite3.Connection, number: int, cursor: Cursor) -> None:
    """Write a destination's cursor."""
    database.execute(
        "UPDATE destinations SET cursor = ?, floor = ? WHERE id = ?", (encode(cursor), cursor.floor, number)
    )


def add_record(database: sqlite3.Connection, number: int, record: OutcomeRecord) -> None:
    """Add an outcome record of a destination; where its runs lie far apart, as several rows that are short."""
    parts: list[list[Run]] = []
    for run in sorted(record.runs, key=lambda one: one.first):
        if parts and run.first + run.count - parts[-1][0].first <= LONG_RECORD:
            parts[-1].append(run)
        else:
            parts.append([run])
    for runs in parts:
        after = max([run.first + run.count for run in runs])
        database.execute(
            "INSERT INTO outcomes (destination, first, after, at, record) VALUES (?,?,?,?,?)",
            (number, runs[0].first, after, record.at, encode(OutcomeRecord(record.at, tuple(runs)))),
        )


def count(database: sqlite3.Connection, counts: Counts) -> None:
    """Add to the durable counters."""
    if counts:
        rows: list[tuple[Any, ...]] = [(encode(name), amount) for name, amount in counts.items()]
        database.executemany(
            "INSERT INTO counters VALUES (?,?) ON CONFLICT DO UPDATE SET value = value + excluded.value", rows
        )


def set_aside_inbox(database: sqlite3.Connection, state: State, first: int, reason: str) -> None:
    """Move a damaged inbox row aside."""
    row = database.execute("SELECT after, size FROM inbox WHERE first = ?", (first,)).fetchone()
    if row is not None:
        _keep_damaged(database, "inbox", (first, row[0]), reason, "SELECT data FROM inbox WHERE first = ?")
        database.execute("DELETE FROM inbox WHERE first = ?", (first,))
        state.inbox_bytes -= row[1]


def set_aside_segment(database: sqlite3.Connection, state: State, first: int, reason: str) -> None:
    """Move a damaged segment aside; its row stays, empty, so that its positions stay known."""
    row = database.execute("SELECT count, size FROM stream WHERE first = ? AND size > 0", (first,)).fetchone()
    if row is not None:
        place = (first, first + row[0])
        _keep_damaged(database, "stream", place, reason, "SELECT data FROM stream WHERE first = ?")
        database.execute("UPDATE stream SET data = x'', size = 0 WHERE first = ?", (first,))
        state.stream_bytes -= row[1]


def _keep_damaged(
    database: sqlite3.Connection, log: str, place: tuple[int, int], reason: str, read: str
) -> None:
    try:
        data = database.execute(read, (place[0],)).fetchone()[0]
    except sqlite3.DatabaseError:  # not even its bytes can be read
        data = None
    database.execute(
        "INSERT INTO set_aside (log, first, after, reason, data) VALUES (?,?,?,?,?)",
        (log, *place, reason, data),
    )
