"""A piece of the index: sorted hashes with their positions, in chunk rows; only filter and bounds are in memory."""

import sqlite3
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.storage.sqlite.seen.filter import Filter, Words
from router.storage.sqlite.statements import checksum

CHUNK_IDS = 1024
FILTER_BYTES = 256 << 10


class PieceDamaged(Exception):
    """Rows of a piece are damaged or missing; it is built again from the rows of hashes."""


class Sorted(Struct, frozen=True):
    """Hashes as two words each, sorted by the first, with their positions."""

    keys: Words
    others: Words
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)

    def cut(self, first: int, after: int) -> "Sorted":
        """The hashes from index `first` to `after`."""
        return Sorted(self.keys[first:after], self.others[first:after], self.positions[first:after])

    def find(self, key: int, other: int) -> int | None:
        """The position of a hash, or None."""
        at = int(np.searchsorted(self.keys, np.uint64(key)))
        while at < len(self.keys) and int(self.keys[at]) == key:
            if int(self.others[at]) == other:
                return int(self.positions[at])
            at += 1
        return None


class Piece(Struct, frozen=True, eq=False):
    """What is known of a piece without reading its chunks."""

    id: int
    first: int
    after: int
    """It covers the stream positions `first` to `after` (exclusive)."""
    count: int
    oldest: int
    newest: int
    """The `received_at` of its first and last segment."""
    bounds: Words
    """The first key of each chunk."""
    filter: Filter

    def chunk_of(self, keys: Words) -> NDArray[np.int64]:
        """The number of the chunk in which each key must be."""
        return np.maximum(np.searchsorted(self.bounds, keys, side="right") - 1, 0)


def sort(keys: Words, others: Words, positions: NDArray[np.int64]) -> Sorted:
    """Sort hashes by their first word."""
    order = np.argsort(keys, kind="stable")
    return Sorted(keys[order], others[order], positions[order])


def join(pieces: Iterable[Sorted]) -> Sorted:
    """Put sorted hashes together and sort them again."""
    parts = list(pieces)
    return sort(
        np.concatenate([one.keys for one in parts]),
        np.concatenate([one.others for one in parts]),
        np.concatenate([one.positions for one in parts]),
    )


def pack(chunk: Sorted) -> bytes:
    """A chunk as it lies in its row."""
    return chunk.keys.tobytes() + chunk.others.tobytes() + chunk.positions.tobytes()


def unpack(data: bytes, stored: int) -> Sorted:
    """A chunk out of its row; raises PieceDamaged."""
    if checksum(data) != stored or len(data) % 24:
        raise PieceDamaged("a chunk's checksum does not match")
    count = len(data) // 24
    return Sorted(
        np.frombuffer(data, np.uint64, count),
        np.frombuffer(data, np.uint64, count, 8 * count),
        np.frombuffer(data, np.int64, count, 16 * count),
    )


def read_chunks(wanted: list[tuple[int, int]], database: sqlite3.Connection) -> dict[tuple[int, int], Sorted]:
    """Chunks by (piece, number); one that is missing is left out. Raises PieceDamaged."""
    found = {}
    try:
        for piece, number in wanted:
            row = database.execute(
                "SELECT data, checksum FROM seen_chunks WHERE piece = ? AND number = ?", (piece, number)
            ).fetchone()
            if row is not None:
                found[piece, number] = unpack(*row)
    except sqlite3.DatabaseError as error:
        raise PieceDamaged(str(error)) from error
    return found


def read_run(database: sqlite3.Connection, piece: int, number: int, count: int) -> Sorted:
    """`count` neighbouring chunks from `number` on, as one. Raises PieceDamaged."""
    chunks = read_chunks([(piece, one) for one in range(number, number + count)], database)
    if len(chunks) < count:
        raise PieceDamaged("chunks are missing")
    parts = [chunks[piece, one] for one in range(number, number + count)]
    return Sorted(
        np.concatenate([one.keys for one in parts]),
        np.concatenate([one.others for one in parts]),
        np.concatenate([one.positions for one in parts]),
    )


def read_piece(number: int, database: sqlite3.Connection) -> Piece:
    """A live piece with its filter. Raises PieceDamaged."""
    try:
        row = database.execute(
            "SELECT first, after, count, oldest, newest, bounds, checksum FROM seen_pieces WHERE id = ?",
            (number,),
        ).fetchone()
        if row is None or checksum(row[5]) != row[6]:
            raise PieceDamaged("a piece's own row is damaged")
        words = np.empty(len(Filter.sized(row[2]).words), np.uint64)
        at = 0
        parts = database.execute(
            "SELECT data, checksum FROM seen_filters WHERE piece = ? ORDER BY number", (number,)
        )
        for (
            data,
            stored,
        ) in parts:  # one part at a time: together they would weigh as much as the filter again
            if checksum(data) != stored or at + len(data) // 8 > len(words):
                raise PieceDamaged("a filter's checksum does not match")
            words[at : at + len(data) // 8] = np.frombuffer(data, np.uint64)
            at += len(data) // 8
    except sqlite3.DatabaseError as error:
        raise PieceDamaged(str(error)) from error
    if at != len(words):
        raise PieceDamaged("a part of a filter is missing")
    first, after, count, oldest, newest = row[:5]
    return Piece(number, first, after, count, oldest, newest, np.frombuffer(row[5], np.uint64), Filter(words))
