"""Brings what is pending into its tables: a round takes all that is there, and is written in steps of two milliseconds.

A step that fails is repeated with the next commit; the pending rows go in the transaction that writes the last of
theirs, so a crash at any place only means that they are written once more.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence

from router.storage.sqlite.graph.overlay import Overlay
from router.storage.sqlite.graph.tables import Write, writes
from router.storage.sqlite.statements import State
from router.storage.sqlite.writer import Writer

STEP_SECONDS = 0.002
AT_ONCE = 16
"""Statements between two looks at the clock."""


class Round:
    """One overlay on its way into the tables."""

    def __init__(
        self, overlay: Overlay, writer: Writer, store_id: bytes, done: Callable[[Overlay], None]
    ) -> None:
        """`done` is called when all of it is in the tables, before the next turn begins."""
        self.overlay = overlay
        self._writes: Sequence[Write] = writes(overlay, store_id)
        self._at = 0
        self._writer = writer
        self._done = done
        self._is_running = False
        self._is_done = False
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def go_on(self) -> None:
        """Write on, unless that happens already."""
        if not self._is_running:
            self._is_running = True
            self._writer.step(self._step, self._stepped).add_done_callback(self._next)

    async def wait(self) -> None:
        """Return when it is over; raises StorageError when it could not go on."""
        await asyncio.shield(self._ended)

    def _step(self, database: sqlite3.Connection, state: State) -> int:
        """Write some rows; returns how many are written then."""
        end = time.perf_counter() + STEP_SECONDS
        at = self._at
        while at < len(self._writes) and time.perf_counter() < end:
            for make in self._writes[at : at + AT_ONCE]:
                database.execute(*make())
            at += AT_ONCE
        if at >= len(self._writes):
            database.execute("DELETE FROM profile_pending WHERE number <= ?", (self.overlay.last,))
        return at

    def _stepped(self, at: int) -> None:
        self._at = at
        if at >= len(self._writes):
            self._is_done = True
            self._done(self.overlay)

    def _next(self, step: "asyncio.Future[int]") -> None:
        self._is_running = False
        error = step.exception()
        if error is None and not self._is_done:
            self.go_on()
            return
        ended, self._ended = self._ended, asyncio.get_running_loop().create_future()
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)
            ended.exception()  # nobody may be waiting for it
