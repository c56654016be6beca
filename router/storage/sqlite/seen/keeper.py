"""The actor that keeps the index of message ids: it loads it, seals full tails, merges pieces and drops old ones.

Everything heavy runs on threads or in short turns of the writer, so neither the loop nor the commits wait for it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from router.actors.actor import Actor
from router.errors import StorageError
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.seen.build import Builder, bury, delete
from router.storage.sqlite.seen.ids import SeenIds, Tail, add_ids
from router.storage.sqlite.seen.memory import give_back
from router.storage.sqlite.seen.piece import Piece, PieceDamaged, Sorted, join, read_piece, read_run, sort
from router.storage.sqlite.seen.plan import plan_merge, slot
from router.storage.sqlite.writer import Writer

RUN_CHUNKS = 8
HASH_ROWS = 64
RETRY_SECONDS = 1.0


class Keeper(Actor):
    """Works whenever the index says there is work."""

    name = "seen ids"

    def __init__(
        self, index: SeenIds, readers: Readers, writer: Writer, *, latest: Callable[[], int]
    ) -> None:
        self._index = index
        self._readers = readers
        self._writer = writer
        self._latest = latest
        self._is_begun = False
        index.work.set()

    async def run(self) -> None:
        """Work until cancelled; what fails because of the disk is tried again."""
        index = self._index
        while True:
            await index.work.wait()
            index.work.clear()
            index.idle.clear()
            try:
                await self._work()
                await asyncio.to_thread(give_back)
                index.idle.set()
            except StorageError:
                index.work.set()
                await asyncio.sleep(RETRY_SECONDS)
            except PieceDamaged:
                index.work.set()

    async def _work(self) -> None:
        index = self._index
        if not self._is_begun:
            await self._load_pieces()
            self._is_begun = True
        while index.broken:
            await self._bury([index.broken[0]])
            del index.broken[0]
        while index.has_gaps:
            index.has_gaps = False
            try:
                await self._load_gaps()
            except BaseException:
                index.has_gaps = True
                raise
        index.loaded.set()
        await self._delete_dead()
        while index.frozen:
            await self._seal(index.frozen[0])
        while group := plan_merge(index.pieces, window=index.window, seal=index.seal, now=self._latest()):
            await self._merge(group)
        old = [one for one in index.pieces if one.newest < self._latest() - index.window]
        if old:
            await self._bury(old)
            index.pieces = [one for one in index.pieces if one not in old]
        await self._delete_dead()

    async def _load_pieces(self) -> None:
        oldest = self._latest() - self._index.window
        pieces: list[Piece] = []
        for number in await self._readers.read(_live_pieces):
            try:
                piece = await self._readers.read(partial(read_piece, number))
            except PieceDamaged:
                piece = None
            if piece is None or piece.newest < oldest:
                await self._writer.step(partial(bury, [number]))
            else:
                pieces.append(piece)
        self._index.pieces = sorted(pieces, key=lambda one: one.first)

    async def _load_gaps(self) -> None:
        """Read the hashes that no piece covers: after a crash the newest ones, after damage those of a piece."""
        index = self._index
        oldest = self._latest() - index.window
        begin = await self._readers.read(lambda database: _first_hash(database, oldest))
        if begin is None:
            return
        covered = [(one.first, one.after) for one in index.pieces] + [
            (one.first, one.after) for one in index.frozen
        ]
        start = begin
        end = index.tail.first
        for first, after in [*sorted(covered), (end, end)]:
            if first > start:
                await self._load_range(start, first)
            start = max(start, after)

    async def _load_range(self, first: int, after: int) -> None:
        index = self._index
        tail = Tail(first, first, 0, 0, {})
        while first < after:
            rows = await self._readers.read(partial(_hashes, first, after))
            if not rows:
                break
            for at, received_at, hashes in rows:
                is_new_slot = tail.ids and slot(received_at, index.window) != slot(tail.oldest, index.window)
                if len(tail.ids) >= index.seal or is_new_slot:
                    index.frozen.append(tail)
                    await self._seal(tail)
                    tail = Tail(at, at, 0, 0, {})
                add_ids(tail, at, hashes, received_at)
                first = at + len(hashes) // 16
        if tail.ids:
            index.frozen.insert(0, tail)

    async def _seal(self, tail: Tail) -> None:
        builder = Builder(
            self._writer,
            count=len(tail.ids),
            first=tail.first,
            after=tail.after,
            oldest=tail.oldest,
            newest=tail.newest,
        )
        ids = await asyncio.to_thread(_sorted, tail)
        await builder.begin()
        await builder.add(ids)
        piece = await builder.finish(())
        self._index.pieces = sorted([*self._index.pieces, piece], key=lambda one: one.first)
        self._index.frozen.remove(tail)
        self._index.room.set()

    async def _merge(self, group: Sequence[Piece]) -> None:
        builder = Builder(
            self._writer,
            count=sum(piece.count for piece in group),
            first=group[0].first,
            after=group[-1].after,
            oldest=min(piece.oldest for piece in group),
            newest=max(piece.newest for piece in group),
        )
        await builder.begin()
        runs = [_Run(self._readers, piece) for piece in group]
        try:
            while True:
                while self._index.frozen:  # a long merge must not let full tails pile up in memory
                    await self._seal(self._index.frozen[0])
                for run in runs:
                    await run.fill()
                if not any(len(run.held) for run in runs):
                    break
                ends = [run.held.keys[-1] for run in runs if not run.is_over]
                bound = min(ends) if ends else None
                await builder.add(await asyncio.to_thread(join, [run.take(bound) for run in runs]))
        except PieceDamaged:
            damaged = [run.piece for run in runs if run.is_damaged]
            self._index.pieces = [one for one in self._index.pieces if one not in damaged]
            self._index.broken += damaged
            self._index.has_gaps = True
            self._index.loaded.clear()
            raise
        merged = await builder.finish(group)
        kept = [one for one in self._index.pieces if one not in group]
        self._index.pieces = sorted([*kept, merged], key=lambda one: one.first)

    async def _bury(self, pieces: Sequence[Piece]) -> None:
        numbers = [piece.id for piece in pieces]
        await self._writer.step(partial(bury, numbers))

    async def _delete_dead(self) -> None:
        for number in await self._readers.read(_dead_pieces):
            await delete(self._writer, number)


class _Run:
    """Reads one piece in order, a few chunks at a time."""

    def __init__(self, readers: Readers, piece: Piece) -> None:
        self._readers = readers
        self._next = 0
        self.piece = piece
        self.held = Sorted(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
        self.is_damaged = False

    @property
    def is_over(self) -> bool:
        """Whether everything of the piece was read."""
        return self._next >= len(self.piece.bounds)

    async def fill(self) -> None:
        """Hold something, if there is anything left."""
        if len(self.held) or self.is_over:
            return
        count = min(RUN_CHUNKS, len(self.piece.bounds) - self._next)
        number, at = self.piece.id, self._next
        try:
            self.held = await self._readers.read(lambda database: read_run(database, number, at, count))
        except PieceDamaged:
            self.is_damaged = True
            raise
        self._next += count

    def take(self, bound: np.uint64 | None) -> Sorted:
        """Give up what is held up to `bound`."""
        held = self.held
        after = len(held) if bound is None else int(np.searchsorted(held.keys, bound, side="right"))
        self.held = held.cut(after, len(held))
        return held.cut(0, after)


def _sorted(tail: Tail) -> Sorted:
    words = np.frombuffer(b"".join(tail.ids), np.uint64).reshape(-1, 2)
    return sort(words[:, 0], words[:, 1], np.fromiter(tail.ids.values(), np.int64, len(tail.ids)))


def _live_pieces(database: sqlite3.Connection) -> list[int]:
    return [row[0] for row in database.execute("SELECT id FROM seen_pieces WHERE is_live ORDER BY first")]


def _dead_pieces(database: sqlite3.Connection) -> list[int]:
    return [row[0] for row in database.execute("SELECT id FROM seen_pieces WHERE NOT is_live")]


def _first_hash(database: sqlite3.Connection, oldest: int) -> int | None:
    row = database.execute(
        "SELECT first FROM message_hashes WHERE received_at >= ? ORDER BY first LIMIT 1", (oldest,)
    ).fetchone()
    return int(row[0]) if row else None


def _hashes(first: int, after: int, database: sqlite3.Connection) -> list[tuple[int, int, bytes]]:
    return database.execute(
        "SELECT first, received_at, hashes FROM message_hashes WHERE first >= ? AND first < ? ORDER BY first LIMIT ?",
        (first, after, HASH_ROWS),
    ).fetchall()
