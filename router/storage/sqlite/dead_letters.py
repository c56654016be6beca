"""Dead letters in SQLite: what a list shows lies in one covering index, so that no list opens a letter.

A page or a count walks that index alone: about 100 bytes a letter, and the letters themselves (an event, a request
and an answer each) are read only when one of them is opened.
"""

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from router.storage.dead_letters import SLICE, DeadLetters, LetterLine, LetterQuery, Revived, revived_row
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeRecord, Run
from router.storage.sqlite import statements
from router.storage.sqlite.letter_rows import LINE
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer


class SqliteDeadLetters(DeadLetters):
    """The letters of one file."""

    def __init__(self, readers: Readers, writer: Writer, store_id: bytes) -> None:
        self._readers = readers
        self._writer = writer
        self._store_id = store_id

    async def find(
        self, wanted: LetterQuery, *, limit: int, beyond: int | None = None, newest_first: bool = True
    ) -> list[LetterLine]:
        """One page of letters."""
        where, values = _where(wanted)
        if beyond is not None:
            where += " AND id < ?" if newest_first else " AND id > ?"
            values.append(beyond)
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT {LINE} FROM {_table(wanted)} WHERE {where} ORDER BY id {order} LIMIT ?"
        rows = await self._readers.read(lambda database: database.execute(query, [*values, limit]).fetchall())
        return [LetterLine(*row) for row in rows]

    async def count(self, wanted: LetterQuery) -> int:
        """How many letters match."""
        where, values = _where(wanted)
        query = f"SELECT count(*) FROM {_table(wanted)} WHERE {where}"
        rows = await self._readers.read(lambda database: database.execute(query, values).fetchall())
        return int(rows[0][0])

    async def read(self, ids: Sequence[int]) -> list[DeadLetter]:
        """The whole letters."""
        query = f"SELECT id, destination, row FROM dead_letters WHERE id IN ({_marks(ids)}) ORDER BY id"
        rows = await self._readers.read(lambda database: database.execute(query, list(ids)).fetchall())
        return [  # a destination may have been renamed since
            replace(statements.decode_letter(row), id=number, destination=name) for number, name, row in rows
        ]

    async def revive(self, ids: Sequence[int], *, now: int) -> Revived:
        """Make events pending again. Their copies are made before the writer is asked, on another thread."""
        letters = await self.read(ids[:SLICE])
        rows = await asyncio.to_thread(_rows, letters, now, self._store_id)
        revived, gone = await self._writer.step(lambda database, _: _revive(database, letters, rows, now))
        return Revived(revived, [one for one in ids[:SLICE] if one not in gone])

    async def drop(self, ids: Sequence[int]) -> int:
        """Forget letters."""
        query = f"DELETE FROM dead_letters WHERE id IN ({_marks(ids[:SLICE])})"

        def drop(database: sqlite3.Connection, state: State) -> int:
            return database.execute(query, list(ids[:SLICE])).rowcount

        return await self._writer.step(drop)


def _rows(letters: Sequence[DeadLetter], now: int, store_id: bytes) -> dict[int, Parked]:
    rows = [(one.id, revived_row(one, now=now, store_id=store_id)) for one in letters]
    return {number: row for number, row in rows if row is not None}


def _revive(
    database: sqlite3.Connection, letters: Sequence[DeadLetter], rows: dict[int, Parked], now: int
) -> tuple[dict[str, list[Parked]], set[int]]:
    """The new rows by destination, and the ids of the letters that they were."""
    numbers = dict(database.execute("SELECT name, id FROM destinations WHERE NOT is_retired").fetchall())
    revived: defaultdict[str, list[Parked]] = defaultdict(list)
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    counts: Counter[tuple[str, ...]] = Counter()
    gone: set[int] = set()
    for letter in letters:
        name, row = letter.destination, rows.get(letter.id)
        if row is None or name not in numbers:
            continue
        if not database.execute("DELETE FROM dead_letters WHERE id = ?", (letter.id,)).rowcount:
            continue  # somebody else was quicker
        gone.add(letter.id)
        revived[name].append(replace(row, kept=b""))
        runs[name].append(Run(row.position, 1, "revived", letter.reason, letter.attempts))
        counts["dead", name, letter.reason] -= 1
        counts["revived", name, letter.reason] += 1
        statements.park(database, numbers[name], [row])
    for name, ended in runs.items():
        statements.add_record(database, numbers[name], OutcomeRecord(now, tuple(ended)))
    statements.count(database, counts)
    return dict(revived), gone


def _where(wanted: LetterQuery) -> tuple[str, list[Any]]:
    parts, values = ["TRUE"], []
    for name in ("destination", "reason", "event", "user", "message_id"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = ?")
            values.append(value)
    for value, part in ((wanted.since, "died_at >= ?"), (wanted.until, "died_at < ?")):
        if value is not None:
            parts.append(part)
            values.append(value)
    return " AND ".join(parts), values


def _table(wanted: LetterQuery) -> str:
    """The table with the index that answers the question alone."""
    index = "dead_letters_by_message" if wanted.message_id else "dead_letters_lines"
    return f"dead_letters INDEXED BY {index}"


def _marks(ids: Sequence[int]) -> str:
    return ",".join("?" * len(ids))
