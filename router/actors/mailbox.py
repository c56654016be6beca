"""A bounded queue in front of an actor. Its bounds are counted in items and in bytes."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class MailboxFull(Exception):
    """The mailbox has no room; the sender must wait or refuse."""


class Mailbox(Generic[T]):
    """Many senders, one reader. A message has a weight in events and in bytes; both are bounded.

    A message that is heavier than the whole bound is taken when the mailbox is empty, so nothing waits for ever.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._messages: deque[tuple[T, int, int]] = deque()
        self._events = 0
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def events(self) -> int:
        """Events that wait."""
        return self._events

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def put_nowait(self, message: T, *, events: int = 1, size: int = 0) -> None:
        """Add a message, or raise MailboxFull."""
        if self._messages and (
            self._events + events > self._max_events or self._bytes + size > self._max_bytes
        ):
            raise MailboxFull
        self._messages.append((message, events, size))
        self._events += events
        self._bytes += size
        self._arrived.set()

    async def put(self, message: T, *, events: int = 1, size: int = 0) -> None:
        """Add a message as soon as there is room."""
        while True:
            try:
                return self.put_nowait(message, events=events, size=size)
            except MailboxFull:
                self._drained.clear()
                await self._drained.wait()

    async def wait_empty(self) -> None:
        """Return once nothing waits."""
        while self._messages:
            self._drained.clear()
            await self._drained.wait()

    async def take(self) -> T:
        """Take the oldest message, waiting for one."""
        while not self._messages:
            self._arrived.clear()
            await self._arrived.wait()
        return self._pop()

    async def take_all(self, *, max_events: int | None = None) -> list[T]:
        """Take everything that waits, at least one message, at most about `max_events` events."""
        taken = [await self.take()]
        events = 0
        while self._messages and (max_events is None or events < max_events):
            events += self._messages[0][1]
            taken.append(self._pop())
        return taken

    def clear(self) -> list[T]:
        """Take everything that waits, also nothing, without waiting."""
        taken = [message for message, _, _ in self._messages]
        self._messages.clear()
        self._events = self._bytes = 0
        self._drained.set()
        return taken

    def _pop(self) -> T:
        message, events, size = self._messages.popleft()
        self._events -= events
        self._bytes -= size
        self._drained.set()
        return message
