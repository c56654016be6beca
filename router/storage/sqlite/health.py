"""Whether the store can be written, why not, and how it comes back by itself.

A full disk: the ballast is released, so that cursors and trims still commit, and appends are refused until there is
room for the ballast and the floor again. A failing disk: the turn fails, and the connection is opened anew before
anything else is acknowledged. Either is tried again every few seconds, without waiting for somebody to ask.
"""

import errno
import sqlite3

from router.actors.supervisor import Supervisor
from router.errors import StorageError, StoreFull, StoreUnavailable
from router.storage.sqlite.ballast import MARGIN, Ballast
from router.storage.sqlite.budgets import Budget
from router.storage.sqlite.schema import FIXED_VERSION
from router.storage.sqlite.statements import State
from router.telemetry.happenings import StoreRecovered, StoreTroubled
from router.telemetry.signals import Signals


class Health:
    """The store's condition; read by every append."""

    def __init__(self, ballast: Ballast, inbox: Budget, *, floor: int, path: str, signals: Signals) -> None:
        self.ballast = ballast
        self._inbox = inbox
        self._floor = floor
        self._path = path
        self._signals = signals
        self.trouble = ""
        """Why writes fail or are refused; empty while all is well."""
        self.is_full = False
        """Whether the disk was found full; appends are refused without being tried."""
        self.is_refusing = False
        """Whether the trouble is only that entries are not admitted."""
        self.is_broken = False
        """Whether the connection must be opened anew before the next turn."""

    def admit(self, state: State, wal_bytes: int) -> StoreFull | None:
        """Why entries cannot be taken now, or None."""
        used = state.inbox_bytes + wal_bytes
        if not self.is_full and self._inbox.is_spent(used):
            return StoreFull(
                f"the inbox budget of {self._inbox.limit} bytes is spent ({used} in use): events come in faster than "
                "they are processed; raise [storage] inbox_budget or wait"
            )
        return self.room()

    def room(self) -> StoreFull | None:
        """Why the disk has no room for anything that is not accepted yet, or None."""
        if self.is_full:
            return StoreFull(self.trouble)
        free = self.ballast.free()
        if free < self._floor:
            return StoreFull(
                f"only {free} bytes are free on the disk of {self._path}, the floor is {self._floor}: make room, or "
                "lower [storage] free_floor"
            )
        return None

    def refused(self, refusal: StorageError) -> None:
        """Entries were not admitted."""
        self.is_refusing = True
        self._say(str(refusal))

    def failed(self, error: BaseException) -> StorageError:
        """A turn failed; say what that means for who asked."""
        if _is_full(error) or (isinstance(error, sqlite3.Error | OSError) and self.ballast.free() < MARGIN):
            self.ballast.release()
            self.is_full = True
            self._say(f"the disk of {self._path} is full: make room; nothing is accepted meanwhile")
            return StoreFull(self.trouble)
        self.is_broken = True
        self._say(f"{self._path}: the disk answered {error}; nothing is accepted until a write succeeds")
        return StoreUnavailable(self.trouble)

    def found_full(self) -> None:
        """The disk was full at start."""
        self.is_full = True
        self._say(
            f"the disk of {self._path} is full: {self.ballast.free()} bytes are free and {self.ballast.needed} needed "
            "for the reserve and the floor; make room, or lower [storage] ballast_bytes and free_floor"
        )

    def has_room_again(self) -> bool:
        """Whether a full disk has room again; takes the ballast back then."""
        if self.is_full and self.ballast.take():
            self.is_full = False
        return not self.is_full

    def succeeded(self) -> None:
        """A write that needed all of the store's health succeeded."""
        if self.trouble and not self.is_full and not self.is_broken:
            self.trouble = ""
            self.is_refusing = False
            self._signals.emit(StoreRecovered())

    def _say(self, trouble: str) -> None:
        was_well = not self.trouble
        self.trouble = trouble
        if was_well:
            self._signals.emit(StoreTroubled(trouble))


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return (
        isinstance(error, sqlite3.Error)
        and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    )


def warnings(keepers: Supervisor | None) -> tuple[str, ...]:
    """What operators should know of the store although it works."""
    lost = (str(keepers.failed.result()),) if keepers is not None and keepers.failed.done() else ()
    if sqlite3.sqlite_version_info >= FIXED_VERSION:
        return lost
    fixed = ".".join(map(str, FIXED_VERSION))
    return (
        *lost,
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug that {fixed} mends; this store avoids it by writing "
        "and checkpointing on one connection, so let no other program open the file while the router runs",
    )
