"""Reading the stream: one class for delivery, the live view, exports and replay.

The `Stream` keeps the newest envelopes decoded in memory (the tail, bounded in bytes) and reads older ones from
the store, whole segments at a time, through a small cache of decoded segments that all followers share. What a read
brings beyond the segment that is wanted waits as it is stored: decoded it could be larger than the whole cache. A
`Follower` is a position in it. It never waits for another follower, and a follower that sleeps costs nothing.
"""

import asyncio
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from router.events.envelope import Envelope
from router.events.profile import traits_size
from router.storage.store import StoredSegment

READ_BYTES = 1 << 20
AHEAD_BYTES = 2 << 20
"""So much may wait undecoded for the followers that read on: what a few reads bring."""
WEIGHT = 3
"""An event in memory weighs about three times its JSON: the JSON, its raw values again, and the objects around."""


class Reading(Struct, frozen=True):
    """Positions `first` to `after` (exclusive): the envelopes found there, and the ranges that are gone."""

    first: int
    after: int
    envelopes: Sequence[Envelope]
    gaps: tuple[tuple[int, int], ...] = ()
    """Half-open ranges with nothing to read: damaged, expired or deleted."""
    passed: Sequence[Envelope] = ()
    """Envelopes that are not meant for this reader, as a replay passes over what it was not asked for."""


class Stream:
    """The stream as followers see it; `publish` adds what a commit made visible."""

    def __init__(
        self,
        read: Callable[[int, int], Awaitable[list[StoredSegment]]],
        decode: Callable[[bytes], list[Envelope]],
        *,
        head: int,
        tail_bytes: int,
        cache_bytes: int,
    ) -> None:
        self._read = read
        self._decode = decode
        self._head = head
        self._tail: deque[tuple[int, int, Sequence[Envelope], int]] = deque()
        self._tail_size = 0
        self._tail_bytes = tail_bytes
        self._cache: OrderedDict[int, tuple[Reading, int]] = OrderedDict()
        self._cache_size = 0
        self._cache_bytes = cache_bytes
        self._ahead: OrderedDict[int, StoredSegment] = OrderedDict()
        self._ahead_size = 0
        self._news = asyncio.Event()

    @property
    def head(self) -> int:
        """The position that the next event gets."""
        return self._head

    def publish(self, envelopes: Sequence[Envelope], after: int) -> None:
        """Show a committed batch to followers; the stream then ends before `after`."""
        size = _weight(envelopes)
        self._tail.append((self._head, after, envelopes, size))
        self._tail_size += size
        self._head = after
        while self._tail_size > self._tail_bytes:
            self._tail_size -= self._tail.popleft()[3]
        news, self._news = self._news, asyncio.Event()
        news.set()

    def resume(self, head: int) -> None:
        """Continue at `head` of the store; what was committed without being published is read from there."""
        if head != self._head:
            self._tail.clear()
            self._tail_size = 0
            self._head = head
            news, self._news = self._news, asyncio.Event()
            news.set()

    async def wait_beyond(self, position: int) -> None:
        """Return once there is something at `position`."""
        while self._head <= position:
            await self._news.wait()

    async def read(self, position: int) -> Reading:
        """What lies from `position` on, one piece at a time; empty at the head."""
        if position >= self._head:
            return Reading(position, position, ())
        if self._tail and position >= self._tail[0][0]:
            return self._from_tail(position)
        return await self._from_store(position)

    def _from_tail(self, position: int) -> Reading:
        index = bisect_right(self._tail, position, key=lambda piece: piece[0]) - 1
        _, after, envelopes, _ = self._tail[index]
        return _from(Reading(self._tail[index][0], after, envelopes), position)

    async def _from_store(self, position: int) -> Reading:
        for first, (reading, _) in self._cache.items():
            if first <= position < reading.after:
                self._cache.move_to_end(first)
                return _from(reading, position)
        ahead = self._take_ahead(position)
        if ahead is not None:
            return _from(self._remember(ahead), position)
        segments = await self._read(position, READ_BYTES)
        limit = self._tail[0][0] if self._tail else self._head
        if not segments or segments[0].first_position > position:
            found = segments[0].first_position if segments else limit
            return Reading(position, min(found, limit), (), ((position, min(found, limit)),))
        for segment in segments[1:]:
            self._put_ahead(segment)
        return _from(self._remember(segments[0]), position)

    def _take_ahead(self, position: int) -> StoredSegment | None:
        for first, segment in self._ahead.items():
            if first <= position < first + segment.count:
                self._ahead_size -= len(segment.data)
                return self._ahead.pop(first)
        return None

    def _put_ahead(self, segment: StoredSegment) -> None:
        if segment.first_position in self._ahead or segment.first_position in self._cache:
            return
        self._ahead[segment.first_position] = segment
        self._ahead_size += len(segment.data)
        while self._ahead_size > AHEAD_BYTES and len(self._ahead) > 1:
            self._ahead_size -= len(self._ahead.popitem(last=False)[1].data)

    def _remember(self, segment: StoredSegment) -> Reading:
        first, after = segment.first_position, segment.first_position + segment.count
        envelopes = self._decode(segment.data) if segment.data else []
        reading = Reading(first, after, envelopes, _gaps(first, after, envelopes))
        size = _weight(envelopes)
        if first not in self._cache:
            self._cache[first] = (reading, size)
            self._cache_size += size
            while self._cache_size > self._cache_bytes and len(self._cache) > 1:
                self._cache_size -= self._cache.popitem(last=False)[1][1]
        return reading


class Follower:
    """A reader's position in the stream."""

    def __init__(self, stream: Stream, position: int) -> None:
        self._stream = stream
        self.position = position
        """The next position it reads."""

    @property
    def is_caught_up(self) -> bool:
        """Whether it has read everything there is."""
        return self.position >= self._stream.head

    async def read(self) -> Reading:
        """The next piece; waits until there is one."""
        await self._stream.wait_beyond(self.position)
        reading = await self._stream.read(self.position)
        self.position = reading.after
        return reading


def _weight(envelopes: Sequence[Envelope]) -> int:
    return WEIGHT * sum([len(one.event.json) + traits_size(one.event) for one in envelopes])


def _from(reading: Reading, position: int) -> Reading:
    if position == reading.first:
        return reading
    envelopes = reading.envelopes
    start = bisect_right(envelopes, position - 1, key=lambda envelope: envelope.position)
    gaps = tuple((max(first, position), after) for first, after in reading.gaps if after > position)
    return Reading(position, reading.after, envelopes[start:], gaps)


def _gaps(first: int, after: int, envelopes: Sequence[Envelope]) -> tuple[tuple[int, int], ...]:
    gaps = []
    expected = first
    for envelope in envelopes:
        if envelope.position > expected:
            gaps.append((expected, envelope.position))
        expected = envelope.position + 1
    if expected < after:
        gaps.append((expected, after))
    return tuple(gaps)
