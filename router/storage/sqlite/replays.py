"""A replay's row, and where a moment lies in the stream."""

import sqlite3
from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec.structs import replace

from router.storage.replays import Place, Replay, ReplayRows, ReplayState
from router.storage.sqlite import births, statements
from router.storage.sqlite.expired import Ranges
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer
from router.storage.store import REPLAY, Settlement

_decode = msgspec.msgpack.Decoder(Replay).decode


class SqliteReplays(ReplayRows):
    """The replays of one file."""

    def __init__(self, readers: Readers, writer: Writer, expired: Mapping[str, Ranges]) -> None:
        self._readers = readers
        self._writer = writer
        self._expired = expired

    async def begin(self, replay: Replay) -> Replay:
        """Keep a new replay."""
        return await self._writer.step(partial(_begin, replay))

    async def all(self) -> list[Replay]:
        """Every replay, by number."""
        query = "SELECT row FROM replays ORDER BY number"
        rows = await self._readers.read(lambda database: database.execute(query).fetchall())
        return [_decode(row) for (row,) in rows]

    async def move(
        self, number: int, state: ReplayState, *, at: int = 0, last: Settlement | None = None
    ) -> None:
        """Change a replay's state."""
        await self._writer.step(partial(_move, number, state, at, last, self._expired))


def _begin(replay: Replay, database: sqlite3.Connection, state: State) -> Replay:
    """Make the row of a replay, and the one it has among the destinations."""
    number = database.execute("INSERT INTO replays (row) VALUES (x'')").lastrowid
    kept = replace(replay, number=number)
    births.bear(kept.name, REPLAY, kept.first, None, database, state)
    database.execute("UPDATE destinations SET until = ? WHERE name = ?", (kept.after, kept.name))
    _write(database, kept)
    return kept


def _move(
    number: int,
    to: ReplayState,
    at: int,
    last: Settlement | None,
    expired: Mapping[str, Ranges],
    database: sqlite3.Connection,
    state: State,
) -> None:
    """Change a replay's state, settle what it leaves, and let go of the segments when it is over."""
    row = database.execute("SELECT row FROM replays WHERE number = ?", (number,)).fetchone()
    moved = replace(_decode(row[0]), state=to, finished_at=at)
    _write(database, moved)
    if last is not None:
        statements.settle(database, [last], expired)
    database.execute(
        "UPDATE destinations SET is_retired = ? WHERE name = ?", (int(moved.is_over), moved.name)
    )


def find_time(received_at: int, end: int, database: sqlite3.Connection) -> Place:
    """The first segment that reaches to a moment; the hashes remember when segments were that are gone."""
    kept, is_exact = _search(database, "stream", received_at, end)
    if is_exact:
        return Place(kept, kept, is_exact)
    known, is_exact = _search(database, "message_hashes", received_at, end)
    known = min(known, kept)
    return Place(kept, known, is_exact or known == 0)


def _search(database: sqlite3.Connection, table: str, received_at: int, end: int) -> tuple[int, bool]:
    """Where the first row of `table` begins that reaches to the moment, and whether there is one before it.

    Halves the positions instead of walking over the rows, which hold whole segments: times only grow along the log.
    """
    low = database.execute(f"SELECT min(first) FROM {table}").fetchone()[0]
    if low is None:
        return end, False
    oldest, high = low, end
    while low < high:
        middle = (low + high) // 2
        first, count, latest = database.execute(
            f"SELECT first, count, received_at FROM {table} WHERE first <= ? ORDER BY first DESC LIMIT 1",
            (middle,),
        ).fetchone()
        if latest >= received_at:
            high = first
        else:
            low = max(middle + 1, first + count)
    return high, high > oldest


def _write(database: sqlite3.Connection, replay: Replay) -> None:
    database.execute(
        "UPDATE replays SET row = ? WHERE number = ?", (statements.encode(replay), replay.number)
    )
