"""Fields that probably hold personal data, a row for each path."""

import sqlite3
from collections.abc import Sequence
from functools import partial

import msgspec

from router.events.found_field import FoundField
from router.storage.findings import FindingRows
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer

STEP_ROWS = 500
"""Rows that one step writes, about a millisecond."""
_decode = msgspec.msgpack.Decoder(FoundField).decode
_encode = msgspec.msgpack.Encoder().encode


class SqliteFindings(FindingRows):
    """The found fields of one file."""

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer

    async def read(self) -> list[FoundField]:
        """All rows."""
        query = "SELECT row FROM found_fields ORDER BY path"
        rows = await self._readers.read(lambda database: database.execute(query).fetchall())
        return [_decode(row) for (row,) in rows]

    async def keep(self, rows: Sequence[FoundField], gone: Sequence[str] = ()) -> None:
        """Write and remove rows, some in each turn of the writer."""
        for first in range(0, len(gone), STEP_ROWS):
            await self._writer.step(partial(_remove, gone[first : first + STEP_ROWS]))
        for first in range(0, len(rows), STEP_ROWS):
            encoded = [(one.path, _encode(one)) for one in rows[first : first + STEP_ROWS]]
            await self._writer.step(partial(_keep, encoded))


def _keep(rows: Sequence[tuple[str, bytes]], database: sqlite3.Connection, state: State) -> None:
    database.executemany("INSERT OR REPLACE INTO found_fields VALUES (?,?)", rows)


def _remove(paths: Sequence[str], database: sqlite3.Connection, state: State) -> None:
    database.executemany("DELETE FROM found_fields WHERE path = ?", [(path,) for path in paths])
