"""Writing a piece, a few chunks in each turn of the writer, so that no turn takes long because of it.

Its row says `is_live = 0` until the last turn, which makes it live and its sources dead in one go. What a crash
leaves half written, or dead and not yet deleted, is deleted after the next start.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial

import numpy as np

from router.storage.sqlite.seen.filter import Filter
from router.storage.sqlite.seen.piece import CHUNK_IDS, FILTER_BYTES, Piece, Sorted, pack
from router.storage.sqlite.statements import State, checksum
from router.storage.sqlite.writer import Writer

CHUNKS_A_TURN = 12

Row = tuple[int, int, bytes]


class Builder:
    """Takes sorted hashes in ascending order and makes a piece of them."""

    def __init__(
        self, writer: Writer, *, count: int, first: int, after: int, oldest: int, newest: int
    ) -> None:
        self._writer = writer
        self._facts = (first, after, count, oldest, newest)
        self._filter = Filter.sized(count)
        self._bounds: list[int] = []
        self._rest: Sorted | None = None
        self._id = 0

    async def begin(self) -> None:
        """Make the piece's row."""
        self._id = await self._writer.step(partial(_begin, self._facts))

    async def add(self, more: Sorted) -> None:
        """Write the next hashes."""
        rows = await asyncio.to_thread(self._cut, more, False)
        await self._write(rows)

    async def finish(self, sources: Sequence[Piece]) -> Piece:
        """Write what is left and the filter, and put the piece in the place of `sources`."""
        if self._rest is not None and len(self._rest):
            await self._write(self._cut(None, True))
        data = self._filter.words.tobytes()
        for number, start in enumerate(range(0, len(data), FILTER_BYTES)):
            part = data[start : start + FILTER_BYTES]
            await self._writer.step(
                partial(_write, "seen_filters", self._id, [(number, checksum(part), part)])
            )
        bounds = np.array(self._bounds, np.uint64)
        await self._writer.step(partial(_go_live, self._id, bounds.tobytes(), [one.id for one in sources]))
        first, after, count, oldest, newest = self._facts
        return Piece(self._id, first, after, count, oldest, newest, bounds, self._filter)

    def _cut(self, more: Sorted | None, is_last: bool) -> list[Row]:
        if more is not None:
            self._filter.add(more.keys, more.others)
            rest = self._rest
            self._rest = more if rest is None or not len(rest) else _append(rest, more)
        assert self._rest is not None
        rest = self._rest
        whole = len(rest) if is_last else len(rest) // CHUNK_IDS * CHUNK_IDS
        rows = []
        for start in range(0, whole, CHUNK_IDS):
            chunk = rest.cut(start, min(start + CHUNK_IDS, whole))
            data = pack(chunk)
            rows.append((len(self._bounds), checksum(data), data))
            self._bounds.append(int(chunk.keys[0]))
        self._rest = rest.cut(whole, len(rest))
        return rows

    async def _write(self, rows: list[Row]) -> None:
        for start in range(0, len(rows), CHUNKS_A_TURN):
            await self._writer.step(
                partial(_write, "seen_chunks", self._id, rows[start : start + CHUNKS_A_TURN])
            )


async def delete(writer: Writer, piece: int) -> None:
    """Delete a dead piece's rows in short turns."""
    while await writer.step(partial(_delete_some, piece)):
        pass


def _append(one: Sorted, other: Sorted) -> Sorted:
    return Sorted(
        np.concatenate([one.keys, other.keys]),
        np.concatenate([one.others, other.others]),
        np.concatenate([one.positions, other.positions]),
    )


def _begin(facts: tuple[int, int, int, int, int], database: sqlite3.Connection, state: State) -> int:
    made = database.execute(
        "INSERT INTO seen_pieces (first, after, count, oldest, newest, is_live, bounds, checksum) "
        "VALUES (?,?,?,?,?,0,x'',0)",
        facts,
    )
    return int(made.lastrowid or 0)


def _write(table: str, piece: int, rows: Sequence[Row], database: sqlite3.Connection, state: State) -> None:
    database.executemany(f"INSERT INTO {table} VALUES (?,?,?,?)", [(piece, *row) for row in rows])


def _go_live(
    piece: int, bounds: bytes, sources: Sequence[int], database: sqlite3.Connection, state: State
) -> None:
    database.execute(
        "UPDATE seen_pieces SET is_live = 1, bounds = ?, checksum = ? WHERE id = ?",
        (bounds, checksum(bounds), piece),
    )
    bury(sources, database, state)


def bury(pieces: Sequence[int], database: sqlite3.Connection, state: State) -> None:
    """Make pieces dead; `delete` takes their rows away."""
    database.executemany("UPDATE seen_pieces SET is_live = 0 WHERE id = ?", [(piece,) for piece in pieces])


def _delete_some(piece: int, database: sqlite3.Connection, state: State) -> bool:
    gone = 0
    for table, most in (("seen_chunks", CHUNKS_A_TURN), ("seen_filters", 1)):
        if not gone:
            gone = database.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE piece = ? LIMIT ?)",
                (piece, most),
            ).rowcount
    if not gone:
        database.execute("DELETE FROM seen_pieces WHERE id = ? AND NOT is_live", (piece,))
    return gone > 0
