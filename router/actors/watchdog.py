"""Names whoever blocks the event loop.

The loop beats; a thread listens. When a beat is late the thread looks at the loop's stack and remembers the code
line that runs there. Once the loop is free again it reports how long it was held, and by whom.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType

BEAT_SECONDS = 0.1


class Watchdog:
    """Watches the loop that `start` is called on; `blocked(seconds, where)` is called on that loop."""

    def __init__(self, blocked: Callable[[float, str], None], *, threshold: float = 0.5) -> None:
        self._blocked = blocked
        self._threshold = threshold
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

    def _listen(self) -> None:
        where = ""
        late_since = 0.0
        while not self._ended.wait(BEAT_SECONDS):
            beat_at = self._beat_at
            if where and beat_at != late_since:
                self._report(beat_at - late_since, where)
                where = ""
            if time.monotonic() - beat_at > self._threshold and not where:
                frame = sys._current_frames().get(self._loop_thread)
                where, late_since = _name(frame), beat_at

    def _report(self, seconds: float, where: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._blocked, seconds, where)


def _name(frame: FrameType | None) -> str:
    """The innermost line of the stack as `file:line in function`."""
    if frame is None:
        return "unknown"
    summary = traceback.extract_stack(frame, limit=None)[-1]
    return f"{summary.filename}:{summary.lineno} in {summary.name}"
