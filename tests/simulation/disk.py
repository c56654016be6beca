"""The disk: the real SqliteStorage on a real file, without threads, with seeded delays, errors and a plug to pull.

aiosqlite gives every connection a thread and a queue. Here the queue is worked off on the loop: what is submitted
runs in order, in one piece, a little later, and its answer comes later still. Between the two lies the moment in
which a commit is durable and nobody knows it yet.

A kill at a point of a turn leaves the file as a killed process does: what was not committed is rolled back by
whoever opens it next. What is not played: a machine that loses power after a write that was not synced.
"""

import asyncio
import random
import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from unittest import mock

from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Commit
from tests.simulation.chronicle import Chronicle

POINTS = ("begin", "append", "commit", "settle", "small", "step", "end")
"""The named points of a turn at which it can fail."""
STORE_ID = bytes(range(16))


class Killed(BaseException):
    """The process ends here and now."""


class Disk:
    """The disk as one life of the process sees it."""

    def __init__(self, path: Path, chance: random.Random, *, slowest: float) -> None:
        self.path = path
        self.is_dead = False
        self.error: Callable[[], Exception] | None = None
        """Makes what turns fail with; None while the disk is well."""
        self.failing: frozenset[str] = frozenset(POINTS)
        """Where they fail."""
        self.kill_at: tuple[str, int] | None = None
        """A point of a turn, and how many more times it is passed before the process is killed there."""
        self.killed: Callable[[], None] = lambda: None
        self._chance = chance
        self._slowest = slowest
        self._connections: list[_Inline] = []

    def delay(self) -> float:
        """Seconds until the disk has done something."""
        return self._chance.uniform(0.0, self._slowest)

    def storage(self, chronicle: Chronicle, **options: Any) -> SqliteStorage:
        """The real store on this disk, with somebody who looks over its shoulder."""
        plain = {"path": self.path, "free_floor": 0, "ballast_bytes": 0, "fault": self._fault}
        return _Watched(chronicle, **plain, **options)

    def connected(self) -> Any:
        """While the returned context lasts, stores open their connections here."""
        return mock.patch("router.storage.sqlite.connection.aiosqlite.connect", self._connect)

    def die(self) -> None:
        """Pull the plug: nothing is done any more, and every file is closed as a killed process closes it."""
        if not self.is_dead:
            self.is_dead = True
            for connection in self._connections:
                connection.drop()
            self.killed()

    def _connect(self, address: str, **options: Any) -> "_Inline":
        made = _Inline(self, lambda: sqlite3.connect(address, **options))
        self._connections.append(made)
        return made

    def _fault(self, point: str) -> None:
        if self.kill_at is not None and self.kill_at[0] == point:
            self.kill_at = (point, self.kill_at[1] - 1)
            if self.kill_at[1] < 0:
                raise Killed
        if self.error is not None and point in self.failing:
            raise self.error()


class _Watched(SqliteStorage):
    """The real store; the chronicle learns what it found when it was opened, and what it committed."""

    def __init__(self, chronicle: Chronicle, **options: Any) -> None:
        super().__init__(**options)
        self._chronicle = chronicle

    async def open(self) -> None:
        """Open it."""
        await super().open()
        await self._chronicle.opened(self)

    async def commit(self, commit: Commit) -> bool:
        """Commit."""
        is_committed = await super().commit(commit)
        if is_committed:
            self._chronicle.committed(commit)
        return is_committed


class _Inline:
    """Stands where aiosqlite's connection would; the names with an underscore are those that are used of it."""

    def __init__(self, disk: Disk, connector: Callable[[], sqlite3.Connection]) -> None:
        self._disk = disk
        self._connector = connector
        self._connection: sqlite3.Connection | None = connector()
        self._tx = self
        self._queue: deque[tuple[asyncio.Future[Any], Callable[[], Any]]] = deque()

    def __await__(self) -> Generator[Any, None, "_Inline"]:
        return self
        yield

    @property
    def _conn(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the process was killed")
        return self._connection

    def put_nowait(self, item: tuple["asyncio.Future[Any]", Callable[[], Any]]) -> None:
        """Take a function and who waits for its result."""
        self._queue.append(item)
        if len(self._queue) == 1:
            asyncio.get_running_loop().call_later(self._disk.delay(), self._work)

    def _work(self) -> None:
        future, function = self._queue[0]
        answer: Callable[[], None]
        try:
            value = function()
        except (Killed, Exception) as raised:
            if isinstance(raised, Killed):
                self._disk.die()
            error = raised if isinstance(raised, Exception) else sqlite3.OperationalError("killed")
            answer = lambda: future.set_exception(error)  # noqa: E731
        else:
            answer = lambda: future.set_result(value)  # noqa: E731

        def finish() -> None:
            self._queue.popleft()
            if not future.done():
                answer()
            if self._queue:
                asyncio.get_running_loop().call_later(self._disk.delay(), self._work)

        asyncio.get_running_loop().call_later(self._disk.delay(), finish)

    def drop(self) -> None:
        """Close the file in the middle of things; whatever is asked of it from now on fails."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        """Do what waits, then close the file."""
        while self._queue and not self._disk.is_dead:
            await asyncio.sleep(self._disk.delay() + 0.0001)
        self.drop()


async def make_template(path: Path) -> None:
    """Make a new store with a known id, to be copied: opening an empty file would cost more than a whole seed."""
    disk = Disk(path, random.Random(0), slowest=0.0)
    with disk.connected():
        storage = disk.storage(Chronicle())
        await storage.open()
        await storage.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE store SET store_id = ?", (STORE_ID,))
    database.close()


def new_file(template: Path, path: Path) -> None:
    """A store as it is born."""
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    shutil.copyfile(template, path)


def full() -> sqlite3.OperationalError:
    """What SQLite says when the disk is full."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def broken() -> sqlite3.OperationalError:
    """What SQLite says when the disk fails."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error
