"""Has many pages of a table fetched from the disk at once, where SQLite would wait for one after another.

Rows that are looked for by random keys lie on pages of their own. SQLite reads a page when it comes to it, so a
hundred keys wait for the disk a hundred times, though it could answer them together. So when one key has waited, the
system is told which pages the others need; SQLite finds them in memory then, or on their way.

This decides nothing: SQLite reads the rows as ever, and a wrong page costs one needless read. Where nothing has to
come from the disk, it costs a look at a number a key. Where the system does not say that it read from a disk (it is not
Linux, or the file lies on another machine) nothing is fetched ahead.
"""

import os
import sqlite3
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from router.storage.sqlite.leaves import Leaves
from router.storage.sqlite.schema import PAGE_SIZE

if sys.platform == "linux":
    import resource

    def blocks_read() -> int:
        """How many blocks of 512 bytes the disk had to read for this thread."""
        return resource.getrusage(resource.RUSAGE_THREAD).ru_inblock
else:  # pragma: no cover

    def blocks_read() -> int:
        """How many blocks the disk had to read: not known here."""
        return 0


_encode = msgspec.json.Encoder().encode
KEPT_SECONDS = 600
"""So long it is believed where rows lie. Until then some have moved, and are waited for again."""


class ReadAhead:
    """Looks into one file, beside SQLite; used by the threads of all readers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._leaves: dict[str, Leaves] = {}
        self._lock = threading.Lock()
        self.asked = 0
        """How many pages were asked for."""

    def close(self) -> None:
        """Let go of the file. Only when no connection has it open: this drops all locks that the process has on it."""
        with self._lock:
            file, self._file = self._file, None
            self._leaves.clear()
            if file is not None:
                os.close(file)

    def rows(
        self, database: sqlite3.Connection, table: str, query: str, keys: Iterable[int], given: object = None
    ) -> Iterator[Any]:
        """The rows of a query that joins `json_each(?)` to a table by its first column; each begins with its key.

        The query gets the keys in the order in which their rows lie, or what is `given` for them. It is one statement,
        since each costs as much as finding a row.
        """
        order = sorted(keys)
        before = blocks_read()
        rows = database.execute(query, (_encode(order if given is None else given).decode(),))
        for row in rows:
            yield row
            if blocks_read() != before:
                self._ask(database, table, order[bisect_right(order, row[0]) :])
                break
        yield from rows

    def _ask(self, database: sqlite3.Connection, table: str, keys: Sequence[int]) -> None:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        if len(keys) < 2:
            return
        try:
            with self._lock:
                if self._file is None:
                    self._file = os.open(self._path, os.O_RDONLY)
                leaves = self._leaves.get(table)
                if leaves is None or time.monotonic() > leaves.read_at + KEPT_SECONDS:
                    [root] = database.execute(query, (table,)).fetchone()
                    leaves = Leaves.read(root, partial(_fetch, self._file))
                    self._leaves[table] = leaves
            pages = leaves.pages(keys)
            _begin(self._file, pages)
        except (OSError, ValueError, IndexError):
            return  # if something is wrong with the file, SQLite will say what
        self.asked += len(pages)


def _fetch(file: int, pages: Sequence[int]) -> Iterator[bytes]:
    _begin(file, pages)
    for page in pages:
        yield os.pread(file, PAGE_SIZE, (page - 1) * PAGE_SIZE)


def _begin(file: int, pages: Sequence[int]) -> None:
    """Have pages fetched, and do not wait for them."""
    for page in pages:
        os.posix_fadvise(file, (page - 1) * PAGE_SIZE, PAGE_SIZE, os.POSIX_FADV_WILLNEED)
