"""The inventory, a row for each source, type and name."""

import sqlite3
from collections.abc import Sequence
from functools import partial

import msgspec

from router.storage.inventory import InventoryRows, SeenEvent
from router.storage.sqlite import statements
from router.storage.sqlite.findings import SqliteFindings
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer

STEP_ROWS = 100
"""Rows that one step writes: a few milliseconds where each has hundreds of properties."""
_decode = msgspec.msgpack.Decoder(SeenEvent).decode


class SqliteInventory(InventoryRows):
    """The inventory of one file."""

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer

    @property
    def findings(self) -> SqliteFindings:
        """The found fields of the file."""
        return SqliteFindings(self._readers, self._writer)

    async def read(self) -> list[SeenEvent]:
        """All rows."""
        query = "SELECT row FROM inventory ORDER BY source, type, name"
        rows = await self._readers.read(lambda database: database.execute(query).fetchall())
        return [_decode(row) for (row,) in rows]

    async def keep(self, rows: Sequence[SeenEvent]) -> None:
        """Write rows, some in each turn of the writer."""
        for first in range(0, len(rows), STEP_ROWS):
            encoded = [
                (one.source, one.type, one.name, statements.encode(one))
                for one in rows[first : first + STEP_ROWS]
            ]
            await self._writer.step(partial(_keep, encoded))


def _keep(rows: Sequence[tuple[str, str, str, bytes]], database: sqlite3.Connection, state: State) -> None:
    database.executemany("INSERT OR REPLACE INTO inventory VALUES (?,?,?,?)", rows)
