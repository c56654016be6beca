"""Names whoever blocks the event loop, and interrupts a plugin that does.

The loop beats; a thread listens. When a beat is late the thread looks at the loop's stack and remembers the code
line that runs there. Once the loop is free again it reports how long it was held, and by whom.

Foreign code (see `guard`) that holds the loop is interrupted after a second, and every second again. If that does not
help, as in native code that never returns, `stuck` is called on the watchdog's own thread: the loop cannot be asked.
What it cannot see is native code that keeps Python's lock for itself: then this thread does not run either.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType

from router.actors.guard import Foreign, Guard

BEAT_SECONDS = 0.1

Stuck = Callable[[Foreign, str], None]
"""Told who hangs, and at which line."""


class Watchdog:
    """Watches the loop that `start` is called on; `blocked(seconds, where)` is called on that loop."""

    def __init__(
        self,
        blocked: Callable[[float, str], None],
        *,
        threshold: float = 0.5,
        guard: Guard | None = None,
        interrupt_after: float = 1.0,
        stuck: Stuck | None = None,
        stuck_after: float = 10.0,
    ) -> None:
        self._blocked = blocked
        self._threshold = threshold
        self._guard = guard
        self._interrupt_beats = max(1, round(interrupt_after / BEAT_SECONDS))
        self._stuck = stuck
        self._stuck_beats = max(1, round(stuck_after / BEAT_SECONDS))
        self._entry = -1
        self._beats = 0
        self._beat_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._ended.clear()
        self._beat()
        self._thread = threading.Thread(target=self._listen, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        if self._loop is not None and not self._ended.is_set():
            self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    # --- on the thread --------------------------------------------------------------------------------

    def _listen(self) -> None:
        where = ""
        late_since = 0.0
        while not self._ended.wait(BEAT_SECONDS):
            if self._guard is not None:
                self._watch(self._guard)
            beat_at = self._beat_at
            if where and beat_at != late_since:
                self._report(beat_at - late_since, where)
                where = ""
            if time.monotonic() - beat_at > self._threshold and not where:
                frame = sys._current_frames().get(self._loop_thread)
                where, late_since = _name(frame), beat_at

    def _watch(self, guard: Guard) -> None:
        """Interrupt a call that is the same for too many beats.

        Beats are counted, and no time measured: of a process that was stopped for an hour this thread saw nothing.
        """
        entry, foreign = guard.running
        if foreign is None or entry != self._entry:
            self._entry, self._beats = entry, 0
            return
        self._beats += 1
        if self._beats % self._interrupt_beats == 0:
            where = guard.interrupt(entry)
            if where and self._stuck is not None and self._beats >= self._stuck_beats:
                stuck, self._stuck = self._stuck, None  # once is enough
                stuck(foreign, where)

    def _report(self, seconds: float, where: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._blocked, seconds, where)


def _name(frame: FrameType | None) -> str:
    """The innermost line of the stack as `file:line in function`."""
    if frame is None:
        return "unknown"
    summary = traceback.extract_stack(frame, limit=None)[-1]
    return f"{summary.filename}:{summary.lineno} in {summary.name}"
