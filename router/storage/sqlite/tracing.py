"""What operators ask of the file; every function is one read, of one moment, on a reading connection's thread."""

import sqlite3
from collections.abc import Sequence

from msgspec.structs import replace

from router.storage.books import Books, Standing
from router.storage.letters import Parked
from router.storage.sqlite import reading, statements
from router.storage.sqlite.side_log import read_lanes
from router.storage.trace import Trace


def read_parked(destination: str, position: int, database: sqlite3.Connection) -> Parked | None:
    """One parked row with its copy."""
    row = database.execute(
        "SELECT row, kept FROM parked WHERE destination = (SELECT id FROM destinations WHERE name = ?) "
        "AND position = ?",
        (destination, position),
    ).fetchone()
    return replace(statements.decode_parked(row[0]), kept=row[1]) if row else None


def read_traces(position: int, keys: Sequence[str], database: sqlite3.Connection) -> list[Trace]:
    """What became of the event at `position` at every destination."""
    database.execute("BEGIN")
    try:
        rows = database.execute(
            "SELECT id, name, kind, birth, is_retired, cursor FROM destinations ORDER BY id"
        ).fetchall()
        return [_trace(database, row, position, frozenset(keys)) for row in rows]
    finally:
        database.execute("COMMIT")


def _trace(
    database: sqlite3.Connection,
    row: tuple[int, str, str, int, int, bytes],
    position: int,
    keys: frozenset[str],
) -> Trace:
    number, name, kind, birth, is_retired, cursor = row
    barrier = parked = None
    before = database.execute(
        "SELECT row FROM parked WHERE destination = ? AND position <= ? ORDER BY position", (number, position)
    )
    for (one,) in before.fetchall():
        found = statements.decode_parked(one)
        if found.position == position:
            parked = found
        elif barrier is None and not keys.isdisjoint(found.keys):
            barrier = found.position
    return Trace(
        destination=name,
        kind=kind,
        birth=birth,
        is_retired=bool(is_retired),
        cursor=statements.decode_cursor(cursor),
        records=reading.read_outcomes(database, name, position, position + 1),
        parked=parked,
        barrier=barrier,
    )


def read_books(database: sqlite3.Connection) -> Books:
    """Counters and places of one moment."""
    database.execute("BEGIN")
    try:
        inbox_cursor, stream_next = database.execute("SELECT inbox_cursor, stream_next FROM store").fetchone()
        lost = database.execute(
            "SELECT coalesce(sum(min(after, ?1) - first), 0) FROM set_aside WHERE log = 'inbox' AND first < ?1",
            (inbox_cursor,),
        ).fetchone()[0]
        rows = database.execute(
            "SELECT id, name, birth, cursor, until FROM destinations ORDER BY id"
        ).fetchall()
        standings = tuple(_standing(database, *row) for row in rows)
        counters = reading.read_counters(database)
        lanes = read_lanes(database)
    finally:
        database.execute("COMMIT")
    return Books(
        inbox_cursor=inbox_cursor,
        inbox_lost=lost,
        stream_next=stream_next,
        counters=tuple(counters.items()),
        destinations=standings,
        lanes=lanes,
    )


def _standing(
    database: sqlite3.Connection, number: int, name: str, birth: int, cursor: bytes, until: int | None
) -> Standing:
    rows = database.execute("SELECT position FROM parked WHERE destination = ?", (number,)).fetchall()
    place = statements.decode_cursor(cursor)
    return Standing(name, birth, place, sum(place.is_complete(position) for (position,) in rows), until)
