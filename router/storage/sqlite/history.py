"""The history of the counters, in rows by granularity, bucket and name."""

import sqlite3
from functools import partial
from typing import Any

from router.storage.history import GRAINS, Granularity, History, Range
from router.storage.sqlite import statements
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer

FORGOTTEN_BUCKETS = 20
"""Buckets of each granularity that one step lets go of."""
_NUMBERS: dict[Granularity, int] = {"minute": 0, "hour": 1, "day": 2}


class SqliteHistory(History):
    """The history of one file. A step compares the counters with what it saw last, so a crash loses nothing of it."""

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer

    async def record(self, at: int) -> None:
        """Add what changed to the buckets of that moment."""
        await self._writer.step(partial(_record, at))

    async def read(self, asked: Range) -> dict[tuple[str, ...], dict[int, int]]:
        """The buckets of the range."""
        return await self._readers.read(partial(_read, asked))


def _record(at: int, database: sqlite3.Connection, state: State) -> None:
    changed = database.execute(
        "SELECT name, counters.value - coalesce(recorded.value, 0) AS grown FROM counters "
        "LEFT JOIN recorded USING (name) WHERE grown != 0"
    ).fetchall()
    rows: list[tuple[Any, ...]] = [
        (_NUMBERS[granularity], at // grain.width * grain.width, name, grown)
        for granularity, grain in GRAINS.items()
        for name, grown in changed
    ]
    database.executemany(
        "INSERT INTO history VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET value = value + excluded.value", rows
    )
    database.executemany(
        "INSERT INTO recorded VALUES (?1,?2) ON CONFLICT DO UPDATE SET value = value + excluded.value",
        changed,
    )
    for granularity, grain in GRAINS.items():
        number = _NUMBERS[granularity]
        database.execute(
            "DELETE FROM history WHERE granularity = ?1 AND bucket IN (SELECT DISTINCT bucket FROM history "
            "WHERE granularity = ?1 AND bucket < ?2 ORDER BY bucket LIMIT ?3)",
            (number, at - grain.kept, FORGOTTEN_BUCKETS),
        )


def _read(asked: Range, database: sqlite3.Connection) -> dict[tuple[str, ...], dict[int, int]]:
    starts = asked.starts
    rows = database.execute(
        "SELECT name, bucket, value FROM history WHERE granularity = ? AND bucket >= ? AND bucket < ?",
        (_NUMBERS[asked.granularity], starts.start, asked.after),
    ).fetchall()
    found: dict[tuple[str, ...], dict[int, int]] = {}
    for name, bucket, value in rows:
        found.setdefault(statements.decode_name(name), {})[bucket] = value
    return found
