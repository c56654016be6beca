"""The inbox as its one reader sees it: the newest requests still decoded in memory, older ones in the store."""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from router.rules.request import Received
from router.storage.entry import Entry
from router.storage.store import Storage

TAIL_BYTES = 32 << 20
READ_BYTES = 1 << 20


class Kept(Struct, frozen=True):
    """A durable request, decoded, with the inbox position of its first event."""

    position: int
    entry: Entry
    received: Received

    @property
    def after(self) -> int:
        """The position behind its last event."""
        return self.position + self.entry.events


class Inbox:
    """Keeps what ingestion just wrote, for as long as it fits, and reads the rest back from the store.

    The oldest unread requests are the ones kept: when the tail is full, newer ones are not added, and the
    reader fetches them from disk when it comes to them.
    """

    def __init__(
        self, storage: Storage, decode: Callable[[Entry], Received], *, tail_bytes: int = TAIL_BYTES
    ) -> None:
        self._storage = storage
        self._decode = decode
        self._tail: deque[Kept] = deque()
        self._tail_size = 0
        self._tail_bytes = tail_bytes
        self._next = 0
        self._cursor = 0
        self._news = asyncio.Event()
        self._nudges = 0
        self._progress = asyncio.Event()

    async def open(self) -> None:
        """Learn from the store where the log ends and where processing stands."""
        facts = await self._storage.facts()
        self._next, self._cursor = facts.inbox_next, facts.inbox_cursor

    @property
    def next(self) -> int:
        """The position that the next accepted event gets."""
        return self._next

    @property
    def cursor(self) -> int:
        """Everything below is processed and in the stream."""
        return self._cursor

    @property
    def backlog(self) -> int:
        """Accepted events that are not processed yet."""
        return self._next - self._cursor

    def keep(self, kept: Kept) -> None:
        """Add a request that is durable now."""
        self._next = kept.after
        if self._tail_size + len(kept.entry.body) <= self._tail_bytes or not self._tail:
            self._tail.append(kept)
            self._tail_size += len(kept.entry.body)
        self._news.set()

    def processed(self, cursor: int) -> None:
        """Note that everything below `cursor` is committed to the stream."""
        self._cursor = cursor
        self._progress.set()

    async def wait_for_progress(self, seconds: float) -> None:
        """Return at the next commit of processing, or after `seconds`."""
        self._progress.clear()
        try:
            await asyncio.wait_for(self._progress.wait(), seconds)
        except TimeoutError:
            pass

    def nudge(self) -> None:
        """Have a reader that waits for news return with nothing: it has to go back."""
        self._nudges += 1
        self._news.set()

    async def read(self, position: int, max_events: int) -> list[Kept]:
        """Requests from `position` on, about `max_events` events; waits until there is one, or for a nudge."""
        nudges = self._nudges
        while position >= self._next:
            self._news.clear()
            await self._news.wait()
            if nudges != self._nudges:
                return []
        while self._tail and self._tail[0].position < position:
            self._drop()
        if not self._tail or self._tail[0].position > position:
            return await self._read_back(position)
        batch = [self._drop()]
        events = batch[0].entry.events
        while self._tail and events < max_events and self._tail[0].position == batch[-1].after:
            batch.append(self._drop())
            events += batch[-1].entry.events
        return batch

    async def _read_back(self, position: int) -> list[Kept]:
        entries = await self._storage.read_inbox(position, READ_BYTES)
        return [Kept(entry.position, entry, self._decode(entry)) for entry in entries]

    def _drop(self) -> Kept:
        kept = self._tail.popleft()
        self._tail_size -= len(kept.entry.body)
        return kept
