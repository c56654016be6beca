"""The failure logs on disk: a folder for each destination, a file for each hour of the original events.

Lines wait in a bounded queue and are written on a thread, so that neither a slow disk nor a destination that fails
all the time holds up a delivery; what does not fit is dropped and counted. Nobody's event depends on a log.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from router.actors.actor import Actor
from router.delivery.failure_log import FailureLine
from router.events.times import format_instant
from router.telemetry.happenings import FailureLinesLost
from router.telemetry.signals import Signals

QUEUE_LINES = 10_000
KEPT_MILLISECONDS = 28 * 86_400_000
_HOUR = 3_600_000


class FailureLogs(Actor):
    """Writes the lines of all destinations to files under `folder`, and takes old files away."""

    name = "failure logs"

    def __init__(self, folder: Path, *, now: Callable[[], int], signals: Signals) -> None:
        self._folder = folder
        self._now = now
        self._signals = signals
        self._queue: deque[tuple[Path, FailureLine]] = deque()
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._lost = 0
        self._swept_at = -_HOUR

    def write(self, destination: str, received_at: int, line: FailureLine) -> None:
        """Take a line about an event that was received at `received_at`; it is written soon."""
        if len(self._queue) >= QUEUE_LINES:
            self._lost += 1
            return
        hour = format_instant(received_at)[:13]
        self._queue.append((self._folder / destination / f"{hour}.jsonl", line))
        self._news.set()

    async def run(self) -> None:
        """Write what comes, and look for old files once an hour."""
        while True:
            await self.flush()
            try:
                await asyncio.wait_for(self._news.wait(), _HOUR / 1000)
            except TimeoutError:
                pass  # nothing came; old files go all the same

    async def stop(self) -> None:
        """Let what is being written be written to its end."""
        await self.flush()

    async def flush(self) -> None:
        """Write everything that waits now; the last time when nobody delivers any more."""
        async with self._writing:
            self._news.clear()
            lines, self._queue = list(self._queue), deque()
            lost, self._lost = self._lost, 0
            now = self._now()
            trouble = ""
            try:
                if lines:
                    await asyncio.to_thread(_append, lines, format_instant(now))
                if now - self._swept_at >= _HOUR:
                    self._swept_at = now
                    await asyncio.to_thread(
                        _sweep, self._folder, format_instant(now - KEPT_MILLISECONDS)[:13]
                    )
            except OSError as error:
                lost, trouble = lost + len(lines), str(error)
            if lost:
                self._signals.emit(FailureLinesLost(lost, trouble or "more failed than could be written"))


def _append(lines: Sequence[tuple[Path, FailureLine]], logged_at: str) -> None:
    files: defaultdict[Path, list[bytes]] = defaultdict(list)
    for file, line in lines:
        files[file].append(msgspec.json.encode(replace(line, logged_at=logged_at)))
    _write(files)


def _write(files: Mapping[Path, Sequence[bytes]]) -> None:
    for file, lines in files.items():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # they quote what customers sent
        with file.open("ab") as log:
            log.write(b"\n".join([*lines, b""]))


def _sweep(folder: Path, oldest: str) -> None:
    """Take away the files of hours before `oldest`; nothing else that may lie there."""
    for file in folder.glob("*/????-??-??T??.jsonl"):
        if file.stem < oldest:
            file.unlink(missing_ok=True)
