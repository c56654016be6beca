"""Append events to a file, one JSON object a line; a batch is on the disk before it counts as delivered."""

import asyncio
import errno
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from router import AnyEvent, Batching, Destination, Duration, Retry, RetryLater, Settings, Size, hookimpl

TAIL_BYTES = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)


class FileSettings(Settings, frozen=True):
    """Where the file stands and when a new one is begun."""

    path: str
    """The file, e.g. "data/events.jsonl". Its folder is made when it is missing."""
    max_bytes: Size = Size(100 * 1024 * 1024)
    """A file of this size is renamed to `<name>.<date>T<time>.<number>` and begun anew; default 100 MiB, 0 is never."""
    rotate: Literal["size", "day"] = "size"
    """"day" begins a new file at midnight UTC too; by default only the size decides."""
    keep: int = 0
    """How many renamed files are kept, the newest; the default 0 keeps all."""


class File(Destination[FileSettings, AnyEvent]):
    """Write the stored form of each event as one line of JSON.

    track, identify, page, screen, group, alias: written as they are. A line that a crash cut short is removed at the
    next start; its event was not reported as delivered and is written again. As a store of raw events it gets them
    whatever their consent and their integrations object say.
    """

    kind = "file"
    category = "raw"
    sample = 'settings.path = "data/events.jsonl"\n'
    batching = Batching(max_events=1000, max_bytes=Size(4 * 1024 * 1024))
    retry = Retry(timeout=Duration(60))

    async def open(self) -> None:
        """Open the file and mend its end."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"file-{self.name}")
        self._path = Path(self.settings.path)
        self._descriptor = -1
        try:
            await self._run(self._open)
        except OSError:
            self._thread.shutdown(wait=False)
            raise

    async def close(self) -> None:
        """Close the file."""
        await self._run(self._close)
        self._thread.shutdown()

    async def check(self) -> None:
        """Raise when the file cannot be written."""
        folder = Path(self.settings.path).parent
        existing = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
        if not os.access(existing, os.W_OK):
            raise PermissionError(f"settings.path: {existing} is not writable")

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Append `events` and wait until the disk has them."""
        lines = b"".join([event.json + b"\n" for event in events])
        try:
            await self._run(self._append, lines)
        except OSError as error:
            if error.errno in _FULL:
                raise RetryLater("ENOSPC") from error
            raise

    async def _run(self, function: object, *arguments: object) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, function, *arguments)  # type: ignore[arg-type]

    # --- on the thread --------------------------------------------------------------------------------

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._size = os.fstat(self._descriptor).st_size
        self._cut_torn_line()
        _sync_folder(self._path.parent)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, lines: bytes) -> None:
        if self._descriptor < 0:
            self._open()
        if self._is_due(len(lines)):
            self._rotate()
        try:
            written = 0
            while written < len(lines):
                written += os.write(self._descriptor, memoryview(lines)[written:])
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # half a batch would stand there twice after the retry
            raise
        self._size += len(lines)

    def _is_due(self, coming: int) -> bool:
        if not self._size:
            return False
        limit = self.settings.max_bytes
        if limit and self._size + coming > limit:
            return True
        if self.settings.rotate == "size":
            return False
        last = datetime.fromtimestamp(os.fstat(self._descriptor).st_mtime, UTC)
        return last.date() != datetime.now(UTC).date()

    def _rotate(self) -> None:
        self._close()
        last = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        stamp = last.strftime("%Y-%m-%dT%H%M%S")
        prefix = f"{self._path.name}.{stamp}."
        taken = [int(one.name.rpartition(".")[2]) for one in self._rotated() if one.name.startswith(prefix)]
        self._path.rename(self._path.with_name(f"{prefix}{max(taken, default=0) + 1:04}"))
        self._open()
        if self.settings.keep:
            for old in sorted(self._rotated())[: -self.settings.keep]:
                old.unlink()

    def _rotated(self) -> Iterator[Path]:
        pattern = re.compile(re.escape(self._path.name) + r"\.\d{4}-\d{2}-\d{2}T\d{6}\.\d{4,}")
        return (one for one in self._path.parent.iterdir() if pattern.fullmatch(one.name))

    def _cut_torn_line(self) -> None:
        """Remove what stands behind the last line end."""
        end = self._size
        while end > 0:
            start = max(0, end - TAIL_BYTES)
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            end = start + found + 1 if found >= 0 else start
            if found >= 0:
                break
        if end != self._size:
            os.ftruncate(self._descriptor, end)
            self._size = end


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@hookimpl
def register_destinations() -> list[type[Destination[FileSettings, AnyEvent]]]:
    """Register the file."""
    return [File]
