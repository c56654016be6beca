"""The place of a source plugin: a small file beside the store, replaced whole: a crash leaves the old or the new one.

    <store>.sources/NAME.json     {"source": "orders", "kind": "file_lines", "cursor": …}

It is written after the calls before it are durable: a crash in between repeats some, and loses none.
"""

import os
import threading
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from router.errors import CursorDamaged

MOST_BYTES = 1 << 20
"""A cursor is a place, not the rows."""


class Place(Struct, frozen=True):
    """A cursor, and whose it is."""

    source: str
    kind: str
    cursor: Raw


class SourceCursor:
    """Keeps the cursor of one source in `file`, or in memory without one; its methods block."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._in_memory: Place | None = None
        self._lock = threading.Lock()  # a write whose caller was cancelled goes on while the next one begins

    def read(self) -> Place | None:
        """What was written last; None when there is nothing. Raises CursorDamaged."""
        if self.file is None:
            return self._in_memory
        with self._lock:
            try:
                return msgspec.json.decode(self.file.read_bytes(), type=Place)
            except FileNotFoundError:
                return None
            except OSError as error:
                reason = error.strerror or str(error)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                reason = str(error)
        raise CursorDamaged(
            f"the cursor in {self.file} cannot be read ({reason}); "
            "put the file back from a copy, or remove it: then the source begins anew"
        )

    def write(self, place: Place) -> None:
        """Replace the cursor durably; raises OSError."""
        if self.file is None:
            self._in_memory = place
            return
        with self._lock:
            folder = self.file.parent
            folder.mkdir(parents=True, exist_ok=True)
            fresh = folder / f".{self.file.name}"
            with fresh.open("wb") as opened:
                opened.write(msgspec.json.encode(place))
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(fresh, self.file)
            _sync(folder)


def _sync(folder: Path) -> None:
    """Make the new name durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
