"""The two read-only connections, shared by everything that reads.

A read is one function, fetched fully, never across an await: a reader that holds on to its view keeps the WAL from
being reset, and a few of them let it grow without end. While the WAL is big, reads wait until it is moved.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from router.errors import StoreUnavailable
from router.storage.sqlite.connection import Connection
from router.storage.sqlite.schema import configure_reader
from router.storage.sqlite.writer import Writer

T = TypeVar("T")
READERS = 2
WAL_BYTES = 64 << 20


class Readers:
    """A pool of reading connections."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._all: list[Connection] = []
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(0)

    async def open(self, path: Path) -> None:
        """Open the connections; raises sqlite3.Error."""
        for _ in range(READERS):
            connection = await Connection.open(path, configure_reader, is_read_only=True)
            self._all.append(connection)
            self._free.append(connection)
            self._slots.release()

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function`, one read, on a free connection; raises StoreUnavailable when the disk fails."""
        while self._writer.wal_bytes > WAL_BYTES:
            self._writer.checkpoint_soon()
            await self._writer.wait_for_checkpoint()
        async with self._slots:
            if not self._free:
                raise StoreUnavailable("the store is closed")
            connection = self._free.pop()
            reading = connection.submit(function)
            reading.add_done_callback(lambda _: self._free.append(connection))
            try:
                return await asyncio.shield(reading)
            except asyncio.CancelledError:
                reading.add_done_callback(lambda done: done.exception())
                await asyncio.wait([reading])  # the connection is free only when its thread is
                raise
            except sqlite3.Error as error:
                raise StoreUnavailable(f"the store cannot be read: {error}") from error

    async def close(self) -> None:
        """Close the connections; safe to call twice."""
        connections, self._all = self._all, []
        self._free.clear()
        for connection in connections:
            await connection.close()
