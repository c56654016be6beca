"""Follow a file of calls, one JSON object a line, as something else writes it."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from router import Accept, Duration, Settings, SourcePlugin, hookimpl

READ_BYTES = 1 << 20
"""So much is read at a time; a longer line is no call, and is refused by its beginning."""
QUIET_LOOKS = 3
"""So often in a row nothing may come any more before a file that was renamed counts as finished."""
_BOM = b"\xef\xbb\xbf"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Line = tuple[bytes, int]
"""A line and its length in the file; of a huge one only the beginning."""


class FileLinesSettings(Settings, frozen=True):
    """Which file."""

    path: str
    """The file, e.g. "data/orders.jsonl": one call a line, as the tracking API takes it, with its `type`."""


class FileLines(SourcePlugin[FileLinesSettings]):
    """Read a file of calls from its beginning, and follow it as it grows.

    The last line waits until it is complete. A file that was renamed is read to its end, then the one that stands in
    its place; one that was cut is read anew. A line that is no call is refused alone. A call without `messageId` gets
    one that is the same when the line is read again.
    """

    kind = "file_lines"
    sample = 'settings.path = "data/orders.jsonl"\n'
    interval = Duration(1)

    async def open(self) -> None:
        """Open the file where the last cursor says; raise when it is not there."""
        self._descriptor = -1
        self._searched = 0
        self._quiet = 0
        place = self.cursor or {"inode": None, "offset": 0, "generation": 0}
        self._inode, self._offset, self._generation = place["inode"], place["offset"], place["generation"]
        await asyncio.to_thread(self._open)

    async def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    async def run(self, accept: Accept) -> None:
        """Hand over every line that is complete."""
        self._quiet += 1
        while lines := await asyncio.to_thread(self._read):
            self._quiet = 0
            await accept(self._calls(lines), cursor=self._place())
        if self._quiet >= QUIET_LOOKS and await asyncio.to_thread(self._is_replaced):
            rest = self._calls(await asyncio.to_thread(self._rest))
            await self.close()
            self._begin_anew(None)
            await accept(rest, cursor=self._place())
            await asyncio.to_thread(self._open)

    def _calls(self, lines: list[Line]) -> list[Any]:
        """The calls of lines; what is none goes as it is, to be refused with its reason."""
        calls: list[Any] = []
        for line, length in lines:
            text = line.removeprefix(_BOM).strip()
            if text:
                calls.append(self._call(text))
            self._offset += length
        return calls

    def _call(self, text: bytes) -> Any:
        try:
            call = _members(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return text
        named = call.get("messageId")
        if named is None or bytes(named) == b"null":
            line = text.decode(errors="replace")
            call["messageId"] = self.message_id(self._generation, self._offset, line)  # type: ignore[assignment]
        return call

    def _place(self) -> dict[str, int | None]:
        return {"inode": self._inode, "offset": self._offset, "generation": self._generation}

    def _begin_anew(self, inode: int | None) -> None:
        """What comes now is another file, whatever its name: its lines get ids of their own."""
        self._inode = inode
        self._offset = self._searched = self._quiet = 0
        self._generation += 1

    # --- on a thread ----------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open the file that the cursor is about, also when it has another name by now; else the one of that path."""
        path = Path(self.settings.path)
        self._descriptor = _opened(path)
        inode = os.fstat(self._descriptor).st_ino
        if self._inode in (None, inode):
            self._inode = inode
            return
        for other in path.parent.iterdir():
            if other.is_file() and other.stat().st_ino == self._inode:
                os.close(self._descriptor)
                self._descriptor = _opened(other)
                return
        self._begin_anew(inode)

    def _read(self) -> list[Line]:
        """The next lines that are complete, each with its line end."""
        if self._is_cut():
            self._begin_anew(self._inode)
        block = os.pread(self._descriptor, READ_BYTES, self._offset)
        *lines, _ = block.split(b"\n")
        if lines or len(block) < READ_BYTES:
            return [(line, len(line) + 1) for line in lines]
        at = max(self._searched, self._offset + len(block))
        while more := os.pread(self._descriptor, READ_BYTES, at):
            if (end := more.find(b"\n")) >= 0:
                return [(block, at + end + 1 - self._offset)]
            at += len(more)
        self._searched = at  # the line is not complete: the next look goes on from here
        return []

    def _is_cut(self) -> bool:
        """Whether what was read is not there any more: the file is shorter, or another one was written over it."""
        if os.fstat(self._descriptor).st_size < self._offset:
            return True
        return self._offset > 0 and os.pread(self._descriptor, 1, self._offset - 1) != b"\n"

    def _is_replaced(self) -> bool:
        """Whether another file stands in the path."""
        try:
            return bool(os.stat(self.settings.path).st_ino != self._inode)
        except FileNotFoundError:
            return False

    def _rest(self) -> list[Line]:
        """What stands behind the last line end of a file that is finished."""
        rest = os.pread(self._descriptor, READ_BYTES, self._offset)
        return [(rest, len(rest))]


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"settings.path: {path} is no file; name one of calls, one a line")
    return descriptor


@hookimpl
def register_sources() -> list[type[SourcePlugin[FileLinesSettings]]]:
    """Register the source."""
    return [FileLines]
