"""A SQLite connection on a thread of its own, on which one Python function is one transaction.

aiosqlite offers one hop to its thread per statement; a transaction of six statements would then cost six hops and
let another coroutine in between BEGIN and COMMIT. So this module, and no other, hands whole functions to aiosqlite's
thread through its internal queue. The version is pinned, and a test guards what is used of it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")
Prepare = Callable[[sqlite3.Connection], None]


class Connection:
    """One open connection; functions given to it run one after another, each to its end."""

    def __init__(self, database: aiosqlite.Connection, prepare: Prepare) -> None:
        self._database = database
        self._prepare = prepare

    @classmethod
    async def open(cls, path: Path, prepare: Prepare, *, is_read_only: bool = False) -> "Connection":
        """Open `path` and run `prepare` on the connection; raises sqlite3.Error."""
        mode = "ro" if is_read_only else "rwc"
        address = f"{path.absolute().as_uri()}?mode={mode}"
        database = await aiosqlite.connect(address, uri=True, isolation_level=None, timeout=5)
        connection = cls(database, prepare)
        try:
            await connection.run(prepare)
        except BaseException:
            await connection.close()
            raise
        return connection

    def submit(self, function: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run `function` on the connection's thread, whatever becomes of who waits for it."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._database._tx.put_nowait((future, partial(self._call, function)))
        return future

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on the connection's thread and return what it returns."""
        return await self.submit(function)

    @property
    def raw(self) -> sqlite3.Connection:
        """SQLite's own connection; only for functions on the connection's thread."""
        raw: sqlite3.Connection = self._database._conn
        return raw

    def reopen(self) -> None:
        """Close and open again; only from a function that runs on the connection's thread. Raises sqlite3.Error."""
        database: Any = self._database
        if database._connection is not None:
            database._connection.close()
        fresh = database._connector()
        database._connection = fresh
        self._prepare(fresh)

    async def close(self) -> None:
        """Finish what was submitted, close the file and end the thread."""
        await self._database.close()

    def _call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return function(self.raw)
