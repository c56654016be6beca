"""Finds the events of some ids in the stream, in one bounded look.

Directories say which segments may have them. Of those, and of the newest ones, which no directory tells of yet, the
columns of keys are read.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from router.storage.hits import Hits, Search
from router.storage.segment_keys import FRONT_BYTES, Hashes, KeyColumns
from router.storage.segment_layout import SegmentDamaged
from router.storage.sqlite.keys.directory import find
from router.storage.store import StoredSegment

MOST_DIRECTORIES = 64
MOST_SEGMENTS = 256
"""One look is no longer than that: a few milliseconds on the thread of a reader."""


def search(database: sqlite3.Connection, asked: Search) -> Hits:
    """One look."""
    (covered,) = database.execute("SELECT coalesce(max(after), 0) FROM stream_keys").fetchone()
    return _Look(database, asked, covered).hits()


def read_hashes(database: sqlite3.Connection, first: int, size: int) -> Hashes | None:
    """The hashes of a segment's ids; None where it is damaged, or was set aside."""
    if not size:
        return None
    try:
        columns, text = _columns(database, first)
        return columns.hashes(text)
    except (SegmentDamaged, sqlite3.DatabaseError):  # whoever reads it in turn sets it aside
        return None


class _Look:
    """One look, in the order that is asked for. What it does says whether to go on."""

    def __init__(self, database: sqlite3.Connection, asked: Search, covered: int) -> None:
        """Directories tell of what is before `covered`."""
        self._database = database
        self._asked = asked
        self._covered = covered
        self._order = "DESC" if asked.newest_first else "ASC"
        self._found: list[tuple[StoredSegment, Sequence[int]]] = []
        self._left = asked.limit
        self._segments = 0
        self._end = asked.after if asked.newest_first else asked.first

    def hits(self) -> Hits:
        """What is found."""
        asked = self._asked
        parts = (self._newest, self._told) if asked.newest_first else (self._told, self._newest)
        if all(part() for part in parts):
            self._end = asked.first if asked.newest_first else asked.after
        return Hits(self._found, self._end)

    def _newest(self) -> bool:
        """Look into every segment of which there is no directory."""
        start = max(self._asked.first, self._covered)
        rows = list(self._rows("stream", "first + count", "size", MOST_SEGMENTS, start, self._asked.after))
        return all(self._take(*row) for row in rows) and len(rows) < MOST_SEGMENTS

    def _told(self) -> bool:
        """Ask the directories, and look into the segments that they name."""
        end = min(self._asked.after, self._covered)  # a younger one may have been made meanwhile
        asked = 0
        for first, after, data in self._rows(
            "stream_keys", "after", "data", MOST_DIRECTORIES, self._asked.first, end
        ):
            asked += 1
            named = find(data, self._asked.keys)
            for one in reversed(named) if self._asked.newest_first else named:
                row = self._database.execute("SELECT first + count, size FROM stream WHERE first = ?", (one,))
                if (kept := row.fetchone()) is not None and not self._take(one, *kept):
                    return False
            self._reach(first, after)
        return asked < MOST_DIRECTORIES

    def _rows(
        self, table: str, end: str, more: str, most: int, start: int, after: int
    ) -> Iterable[tuple[int, int, Any]]:
        """Where rows begin and end, and `more`: those from `start` to before `after`, and the one that has `start`."""
        return self._database.execute(
            f"SELECT first, {end}, {more} FROM {table} WHERE first < ?2 AND first >= "
            f"coalesce((SELECT max(first) FROM {table} WHERE first <= ?1), ?1) AND {end} > ?1 "
            f"ORDER BY first {self._order} LIMIT {most}",
            (start, after),
        )

    def _take(self, first: int, after: int, size: int) -> bool:
        """Look into a segment."""
        if self._segments == MOST_SEGMENTS:
            return False
        self._segments += 1
        newest_first = self._asked.newest_first
        slots = self._slots(first, size)
        taken = (slots[::-1] if newest_first else slots)[: self._left]
        if taken:
            read = self._database.execute("SELECT data FROM stream WHERE first = ?", (first,))
            self._found.append((StoredSegment(first, after - first, read.fetchone()[0]), taken))
            self._left -= len(taken)
            if not self._left:
                self._end = first + taken[-1] + (not newest_first)
                return False
        self._reach(first, after)
        return True

    def _reach(self, first: int, after: int) -> None:
        asked = self._asked
        self._end = max(asked.first, first) if asked.newest_first else min(asked.after, after)

    def _slots(self, first: int, size: int) -> list[int]:
        """The slots of one segment that are looked for; none where it is damaged, or was set aside."""
        if not size:
            return []
        asked = self._asked
        try:
            columns, text = _columns(self._database, first)
            slots = columns.find(text, asked.keys)
        except (SegmentDamaged, sqlite3.DatabaseError):  # whoever reads it in turn sets it aside
            return []
        return [slot for slot in slots if asked.first <= first + slot < asked.after]


def _columns(database: sqlite3.Connection, first: int) -> tuple[KeyColumns, bytes]:
    with database.blobopen("stream", "data", first, readonly=True) as blob:
        columns = KeyColumns.read(blob.read(FRONT_BYTES))
        blob.seek(columns.start)
        return columns, blob.read(columns.size)
