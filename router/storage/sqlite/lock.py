"""Keeps a second owner away from a store: another process, and another router in this one."""

import fcntl
import os
from pathlib import Path

from router.errors import StorageError, StoreLocked


class Lock:
    """An flock on `<path>-lock`; it goes when the file is closed, also by a kill."""

    def __init__(self, path: Path) -> None:
        self._store = path
        self._path = path.with_name(path.name + "-lock")
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock or raise StoreLocked, with the owner's process id where it can be read."""
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"cannot open {self._path}: {error.strerror}; see that its folder can be written"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(file, 32).decode("ascii", "replace").strip()
            os.close(file)
            by = f" by process {owner}" if owner.isdigit() else ""
            raise StoreLocked(
                f"{self._store} is in use{by}; stop the other router, or give this one another [storage] path"
            ) from error
        self._file = file
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # a full disk: the lock holds all the same, only its owner's number is not written

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
