"""Finds the events of some ids in the stream; of segments without them it reads the columns of keys only."""

import sqlite3
from collections.abc import Sequence

from router.storage.hits import Hits, Search
from router.storage.segment_keys import FRONT_BYTES, KeyColumns
from router.storage.segment_layout import SegmentDamaged
from router.storage.store import StoredSegment

MOST_SEGMENTS = 256
MOST_SLOTS = 100_000
"""One look is no longer than that: a few milliseconds on the thread of a reader."""


def search(database: sqlite3.Connection, asked: Search) -> Hits:
    """One look."""
    is_newest_first = asked.newest_first
    rows = database.execute(
        "SELECT first, count, size FROM stream WHERE first < ?2 AND first >= "
        "coalesce((SELECT max(first) FROM stream WHERE first <= ?1), ?1) "
        f"ORDER BY first {'DESC' if is_newest_first else 'ASC'} LIMIT {MOST_SEGMENTS}",
        (asked.first, asked.after),
    ).fetchall()
    found: list[tuple[StoredSegment, Sequence[int]]] = []
    left, looked = asked.limit, 0
    for first, count, size in rows:
        slots = _slots(database, first, size, asked)
        taken = slots[::-1][:left] if is_newest_first else slots[:left]
        if taken:
            data = database.execute("SELECT data FROM stream WHERE first = ?", (first,)).fetchone()[0]
            found.append((StoredSegment(first, count, data), taken))
            left -= len(taken)
            if not left:
                return Hits(found, first + taken[-1] + (not is_newest_first))
        looked += count
        if looked >= MOST_SLOTS:
            return Hits(
                found, max(asked.first, first) if is_newest_first else min(asked.after, first + count)
            )
    if len(rows) == MOST_SEGMENTS:
        first, count, _ = rows[-1]
        return Hits(found, max(asked.first, first) if is_newest_first else min(asked.after, first + count))
    return Hits(found, asked.first if is_newest_first else asked.after)


def _slots(database: sqlite3.Connection, first: int, size: int, asked: Search) -> list[int]:
    """The slots of one segment that are looked for; none where it is damaged, or was set aside."""
    if not size:
        return []
    try:
        with database.blobopen("stream", "data", first, readonly=True) as blob:
            columns = KeyColumns.read(blob.read(FRONT_BYTES))
            blob.seek(columns.start)
            slots = columns.find(blob.read(columns.size), asked.keys)
    except (SegmentDamaged, sqlite3.DatabaseError):  # whoever reads it in turn sets it aside
        return []
    return [slot for slot in slots if asked.first <= first + slot < asked.after]
