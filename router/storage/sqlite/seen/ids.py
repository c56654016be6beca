"""Answers "seen before?" for batches: from the newest ids in memory, and from pieces behind their filters."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import numpy as np
from msgspec import Struct

from router.storage.sqlite.readers import Readers
from router.storage.sqlite.seen.filter import Filters, probes
from router.storage.sqlite.seen.piece import Piece, PieceDamaged, Sorted, read_chunks
from router.storage.sqlite.seen.plan import slot

SEAL_IDS = 65_536
FROZEN_TAILS = 3
ROOM_SECONDS = 1.0
CACHE_CHUNKS = 160
READ_CHUNKS = 64


class Tail(Struct, eq=False):
    """Ids that are not in a piece yet, with their positions."""

    first: int
    after: int
    oldest: int
    newest: int
    ids: dict[bytes, int]


class SeenIds:
    """The index; `window` in milliseconds."""

    def __init__(self, readers: Readers, *, window: int, seal: int = SEAL_IDS) -> None:
        self._readers = readers
        self._cache: OrderedDict[tuple[int, int], Sorted] = OrderedDict()
        self.window = window
        self.seal = seal
        self.tail = Tail(0, 0, 0, 0, {})
        self.frozen: list[Tail] = []
        """Full tails on their way into pieces, oldest first."""
        self._pieces: list[Piece] = []
        self._filters = Filters([])
        self.broken: list[Piece] = []
        """Pieces that were found damaged and are built again by the keeper."""
        self.has_gaps = True
        """Whether positions may be covered by neither a piece nor a tail."""
        self.loaded = asyncio.Event()
        """Set while the index is whole; a question waits for it."""
        self.room = asyncio.Event()
        """Set when a full tail was sealed."""
        self.idle = asyncio.Event()
        """Set while the keeper has nothing to do."""
        self.work = asyncio.Event()
        """Set when there is something to do for the keeper."""

    @property
    def pieces(self) -> list[Piece]:
        """Live pieces, by position; change it by giving it another list."""
        return self._pieces

    @pieces.setter
    def pieces(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._filters = Filters([piece.filter for piece in pieces])

    def start(self, position: int) -> None:
        """Take ids committed from `position` on; what lies before is loaded by the keeper."""
        self.tail = Tail(position, position, 0, 0, {})

    def committed(self, first: int, hashes: bytes, received_at: int) -> None:
        """Learn the ids of a committed segment."""
        tail = self.tail
        if tail.ids and (
            len(tail.ids) >= self.seal or slot(received_at, self.window) != slot(tail.oldest, self.window)
        ):
            self.freeze()
            tail = self.tail
        add_ids(tail, first, hashes, received_at)

    async def wait_for_room(self) -> None:
        """Return when few full tails wait to be sealed, or after a second: memory is bounded, nobody is stopped."""
        if len(self.frozen) >= FROZEN_TAILS:
            self.room.clear()
            try:
                await asyncio.wait_for(self.room.wait(), ROOM_SECONDS)
            except TimeoutError:
                pass

    def freeze(self) -> None:
        """Hand the tail to the keeper and begin a new one."""
        self.frozen.append(self.tail)
        self.tail = Tail(self.tail.after, self.tail.after, 0, 0, {})
        self.work.set()

    def skip_to(self, position: int) -> None:
        """Go on at `position`: segments before it were committed without being told, and are read by the keeper."""
        if self.tail.ids:
            self.freeze()
        self.start(position)
        self.has_gaps = True
        self.loaded.clear()
        self.work.set()

    async def seen(self, hashes: Sequence[bytes]) -> list[int | None]:
        """For each hash its position, or None."""
        if not hashes:
            return []
        while True:
            await self.loaded.wait()
            answers, hits = self._probe(hashes)
            if not hits or await self._confirm(hits, answers):
                return answers

    def _probe(self, hashes: Sequence[bytes]) -> tuple[list[int | None], list["_Hit"]]:
        """What memory knows, and which pieces may know more."""
        find = self.tail.ids.get
        answers: list[int | None] = [find(one) for one in hashes]
        for tail in self.frozen:
            find = tail.ids.get
            answers = [find(one) if old is None else old for one, old in zip(hashes, answers, strict=True)]
        hits: list[_Hit] = []
        if self.pieces:
            words = np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 2)
            keys, others = words[:, 0], words[:, 1]
            asked = probes(keys, others)
            maybe = self._filters.may_have(asked)
            for number in np.nonzero(maybe.any(axis=1))[0].tolist():
                piece = self.pieces[number]
                rows = np.nonzero(maybe[number])[0]
                chunks = piece.chunk_of(keys[rows]).tolist()
                hits += [
                    _Hit(row, (piece.id, chunk), piece, int(keys[row]), int(others[row]))
                    for row, chunk in zip(rows.tolist(), chunks, strict=True)
                    if answers[row] is None
                ]
        return answers, hits

    async def _confirm(self, hits: Sequence["_Hit"], answers: list[int | None]) -> bool:
        """Compare with the stored hashes; False when the pieces changed meanwhile and all is to be asked again."""
        known: dict[tuple[int, int], Sorted] = {}
        missing = []
        for place in dict.fromkeys(hit.place for hit in hits):
            chunk = self._cache.get(place)
            if chunk is None:
                missing.append(place)
            else:
                self._cache.move_to_end(place)
                known[place] = chunk
        for start in range(0, len(missing), READ_CHUNKS):
            wanted = missing[start : start + READ_CHUNKS]
            try:
                known |= await self._readers.read(partial(read_chunks, wanted))
            except PieceDamaged:
                self._report(hits, {piece for piece, _ in wanted})
                return False
        for hit in hits:
            chunk = known.get(hit.place)
            if chunk is None:
                if hit.piece in self.pieces:
                    self._report(hits, {hit.piece.id})
                return False
            if answers[hit.row] is None:
                answers[hit.row] = chunk.find(hit.key, hit.other)
        for place in missing[-CACHE_CHUNKS:]:
            self._cache[place] = known[place]
        while len(self._cache) > CACHE_CHUNKS:
            self._cache.popitem(last=False)
        return True

    def _report(self, hits: Sequence["_Hit"], damaged: set[int]) -> None:
        for piece in {hit.piece.id: hit.piece for hit in hits}.values():
            if piece.id in damaged and piece in self.pieces:
                self.pieces = [one for one in self.pieces if one is not piece]
                self.broken.append(piece)
                self.has_gaps = True
                self.loaded.clear()
                self.work.set()


class _Hit(Struct, frozen=True):
    row: int
    place: tuple[int, int]
    piece: Piece
    key: int
    other: int


def add_ids(tail: Tail, first: int, hashes: bytes, received_at: int) -> None:
    """Add the ids of a segment to a tail that ends where the segment begins."""
    count = len(hashes) // 16
    if not tail.ids:
        tail.oldest = received_at
    tail.newest = max(tail.newest, received_at)
    tail.after = first + count
    tail.ids.update(zip(np.frombuffer(hashes, "V16").tolist(), range(first, first + count), strict=True))
