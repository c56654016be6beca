"""When the stream is trimmed: beside the commits, a step at a time, and never two at once."""

import asyncio

from router.storage.cursor import Cursor
from router.storage.sqlite.trim import Trim, Trimmed
from router.storage.sqlite.writer import Writer

EVERY = 32
"""Commits and settlements after which it is looked whether something may be trimmed."""


class Trimming:
    """Has the writer run the steps of `trim`, and remembers what expired in them."""

    def __init__(self, trim: Trim, writer: Writer, expired: dict[str, list[tuple[int, int]]]) -> None:
        """`expired` gets the ranges that expired, by destination: it may be about to settle the same events."""
        self._trim = trim
        self._writer = writer
        self._expired = expired
        self._until = EVERY
        self._is_running = False

    def note(self, *, is_urgent: bool) -> None:
        """Something was written; trim when that is due."""
        self._until -= 1
        if (self._until <= 0 or is_urgent) and not self._is_running:
            self._until = EVERY
            self._is_running = True
            self._begin()

    async def once(self) -> Trimmed:
        """Run one step now."""
        return await self._writer.step(self._trim.step, self._note_expired)

    def _begin(self) -> None:
        def go_on(done: "asyncio.Future[Trimmed]") -> None:
            if done.exception() is None and done.result().has_more:
                self._begin()
            else:
                self._is_running = False

        self._writer.step(self._trim.step, self._note_expired).add_done_callback(go_on)

    def _note_expired(self, trimmed: Trimmed) -> None:
        """Called before the next turn begins."""
        for name, first, after in trimmed.expired:
            known = Cursor(-1, tuple(self._expired.get(name, ())))
            self._expired[name] = list(known.complete([(first, after)]).ranges)
