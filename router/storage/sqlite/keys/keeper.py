"""The actor that makes directories, oldest segments first, whenever there are enough for one.

Of a store that has none yet it makes them all, one after the other; searching finds everything meanwhile.
"""

import asyncio
import sqlite3
from functools import partial

import numpy as np

from router.actors.actor import Actor
from router.errors import StorageError
from router.storage.sqlite.keys.directory import SEGMENTS, Covered, encode_directory
from router.storage.sqlite.keys.searching import read_hashes
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer

RETRY_SECONDS = 1.0
_Directory = tuple[int, int, bytes]


class KeyKeeper(Actor):
    """Works behind the commits."""

    name = "stream keys"

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer
        self._new = SEGMENTS
        self._work = asyncio.Event()
        self._work.set()
        self.idle = asyncio.Event()
        """Set while there is nothing to make."""

    def committed(self) -> None:
        """A segment was added."""
        self._new += 1
        if self._new >= SEGMENTS:
            self._work.set()
            self.idle.clear()

    async def run(self) -> None:
        """Work until cancelled; what fails because of the disk is tried again."""
        while True:
            await self._work.wait()
            self._work.clear()
            self._new = 0
            try:
                while not isinstance(made := await self._readers.read(_next), int):
                    await self._writer.step(partial(_write, made))
                self._new += made
                if self._new >= SEGMENTS:  # some came while the last ones were counted
                    self._work.set()
                if not self._work.is_set():
                    self.idle.set()
            except StorageError:
                self._work.set()
                await asyncio.sleep(RETRY_SECONDS)


def _next(database: sqlite3.Connection) -> _Directory | int:
    """The next directory; where too few segments are left for one, how many."""
    rows = database.execute(
        "SELECT first, count, size FROM stream "
        "WHERE first >= (SELECT coalesce(max(after), 0) FROM stream_keys) ORDER BY first LIMIT ?",
        (SEGMENTS,),
    ).fetchall()
    if len(rows) < SEGMENTS:
        return len(rows)
    segments = []
    for first, _, size in rows:
        hashes = read_hashes(database, first, size)
        segments.append(Covered(first, np.zeros(0, np.int64) if hashes is None else hashes))
    last, count, _ = rows[-1]
    return rows[0][0], last + count, encode_directory(segments)


def _write(made: _Directory, database: sqlite3.Connection, state: State) -> None:
    database.execute("INSERT OR IGNORE INTO stream_keys VALUES (?,?,?)", made)
