"""How entries get into the table of the side log, within a turn of the writer."""

import sqlite3

from router.storage.segment_layout import compressor
from router.storage.side_log import PUT, SideEntry
from router.storage.sqlite import statements
from router.storage.sqlite.statements import COMPRESS_BYTES, PLAIN, ZSTD, State

Packed = tuple[bytes, int]
"""An entry's data as it is stored, and its codec."""


def packed(entry: SideEntry) -> Packed:
    """An entry's data as it is stored, and its codec."""
    if len(entry.data) <= COMPRESS_BYTES:
        return entry.data, PLAIN
    return compressor(1)(entry.data), ZSTD


def insert(database: sqlite3.Connection, state: State, entry: SideEntry, row: Packed) -> int:
    """Write the row of an entry; counting it is the caller's."""
    data, codec = row
    size = statements.weight(len(data))
    state.side_bytes += size
    number = database.execute(
        "INSERT INTO side_log (lane, received_at, attempts, first_tried_at, due_at, reason, size, codec, checksum, "
        "data) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            entry.lane, entry.received_at, entry.attempts, entry.first_tried_at, entry.due_at, entry.reason,
            size, codec, statements.checksum(data), data,
        ),
    ).lastrowid  # fmt: skip
    assert number is not None  # a row was inserted
    return number


def take(database: sqlite3.Connection, state: State, entry: SideEntry, row: Packed) -> int:
    """Write the row of a new entry, and count it."""
    statements.count(database, {(PUT, entry.lane): 1})
    return insert(database, state, entry, row)
