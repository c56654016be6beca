"""Reading the log of changes of the identity graph, as `router.storage.follower` reads the stream.

A `ProfileFollower` is a number in that log. It reads at its own pace, and what waits for it keeps nothing back: entries
go when they are older than the stream's retention. A follower that comes too late is told exactly which are gone, so
that it can read the profiles themselves instead. One with a name has its number kept in the store: whoever keeps it
after the work is done sees every entry at least once, also after a crash.
"""

import asyncio
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from router.storage.profile_changes import Change
from router.storage.profiles import Profiles

MOST_CHANGES = 500
"""So many entries are read at once."""


class ChangesRead(Struct, frozen=True):
    """The entries from number `first` up to `after` (exclusive)."""

    first: int
    after: int
    changes: Sequence[Change] = ()
    gone: tuple[int, int] | None = None
    """Numbers from and up to (exclusive) of entries that were there, and are not kept any more."""


class ProfileLog:
    """The log as its followers see it; `told` wakes those that wait."""

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        """Where it is kept."""
        self._news = asyncio.Event()

    def told(self) -> None:
        """Something may have changed: a commit was written, or nobody knows whether it was."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def read(self, number: int, *, limit: int = MOST_CHANGES) -> ChangesRead:
        """Entries from `number` on; none at the end of the log. Raises StorageError."""
        after = await self.profiles.next_change()
        if number >= after:
            return ChangesRead(number, number)
        changes = await self.profiles.changes(number, limit)
        if not changes:
            return ChangesRead(number, after, gone=(number, after))
        first = changes[0].number
        return ChangesRead(
            number, changes[-1].number + 1, changes, gone=(number, first) if first > number else None
        )

    async def wait_beyond(self, number: int) -> None:
        """Return once there is an entry at `number`."""
        while True:
            news = self._news  # taken before the question, so that nothing comes unseen between the two
            if await self.profiles.next_change() > number:
                return
            await news.wait()


class ProfileFollower:
    """A reader's place in the log."""

    def __init__(self, log: ProfileLog, number: int, *, name: str = "") -> None:
        """A follower without a name begins where it is told to, each time."""
        self._log = log
        self._name = name
        self.number = number
        """The next entry that it reads."""

    @classmethod
    async def named(cls, log: ProfileLog, name: str) -> Self:
        """The follower of that name, where it was last kept; a new one begins with the oldest entry that is kept."""
        number = await log.profiles.cursor(name)
        if number is None:
            number = await oldest(log)
        return cls(log, number, name=name)

    async def read(self, *, limit: int = MOST_CHANGES) -> ChangesRead:
        """The next entries; waits until there is one. Raises StorageError."""
        await self._log.wait_beyond(self.number)
        found = await self._log.read(self.number, limit=limit)
        self.number = found.after
        return found

    async def keep(self) -> None:
        """Have the store know that everything read so far is done with. Raises StorageError."""
        if self._name:
            await self._log.profiles.move_cursor(self._name, self.number)


async def oldest(log: ProfileLog) -> int:
    """The number of the oldest entry that is kept; that of the next one where there is none."""
    after = await log.profiles.next_change()
    changes = await log.profiles.changes(0, 1)
    return changes[0].number if changes else after
