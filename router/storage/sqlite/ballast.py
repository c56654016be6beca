"""A file of nothing that keeps disk space back: on a full disk even a DELETE needs room to be written."""

import os
import shutil
from pathlib import Path

MARGIN = 1 << 20
"""Free space below which a disk counts as full."""


class Ballast:
    """The reserve beside a store; `size` 0 means none."""

    def __init__(self, store: Path, size: int, floor: int) -> None:
        self._path = store.with_name(store.name + "-ballast")
        self._folder = store.parent
        self._size = size
        self._floor = floor
        self.is_held = False
        """Whether the reserve is there."""

    def look(self) -> None:
        """See whether an earlier run left the reserve."""
        try:
            self.is_held = self._size > 0 and self._path.stat().st_blocks * 512 >= self._size
        except OSError:
            self.is_held = False

    def free(self) -> int:
        """Free bytes of the disk."""
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:  # the folder is gone or its disk fails: nothing can be written there
            return 0

    def release(self) -> bool:
        """Give the reserve back to the disk; whether there was one."""
        was_held = self.is_held
        self.is_held = False
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return False
        return was_held

    @property
    def needed(self) -> int:
        """Free bytes that must be there before the reserve is taken again."""
        return self._size + max(self._floor, MARGIN)

    def take(self) -> bool:
        """Take the reserve where there is room for it and the floor; whether it is there now (or not wanted)."""
        if self.is_held:
            return True
        if self.free() < self.needed:
            return False
        if not self._size:
            return True
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, self._size)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError:
            self.release()
            return False
        self.is_held = True
        return True
