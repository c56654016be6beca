"""The timekeeper: makes time pass for profiles whose computed traits change though nothing is sent.

It looks for those whose time has come and puts an entry into the inbox that names them. So that they are computed has
a place in the order of everything else, and happens again in the same way after a crash. One entry is under way at
a time; a second one for the same moment, after a crash, finds nothing left to do.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from router.actors.actor import Actor
from router.errors import StorageError
from router.events.step import TIME_SOURCE
from router.identity.computing import time_passed
from router.rules.request import Received, read_entry
from router.storage.entry import Door, Entry
from router.storage.inbox import Inbox
from router.storage.profiles import Profiles

EVERY_SECONDS = 5.0
MOST_AT_ONCE = 100
"""Profiles of one entry."""
_PROGRESS_SECONDS = 1.0
Accept = Callable[[Entry, Received], Awaitable[None]]


class Timekeeper(Actor):
    """Looks every five seconds, and goes on at once as long as there is more."""

    name = "timekeeper"

    def __init__(
        self,
        profiles: Profiles,
        inbox: Inbox,
        accept: Accept,
        *,
        needed: asyncio.Event,
        now: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """`now` is in milliseconds; `needed` is set while anything is computed at all."""
        self._profiles = profiles
        self._inbox = inbox
        self._accept = accept
        self._needed = needed
        self._now = now
        self._sleep = sleep

    async def run(self) -> None:
        """Look, wait, and look again; where nothing is computed, only wait."""
        while True:
            await self._needed.wait()
            try:
                await self.look()
            except StorageError:
                pass  # the store is in trouble and says so itself; what is due stays due
            await self._sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Make time pass for everybody whose time has come."""
        ids: list[str] = []
        stuck: set[str] = set()
        while self._needed.is_set():
            found = await self._profiles.due(self._now(), MOST_AT_ONCE + len(stuck))
            if still := set(ids).intersection(found):  # nothing can be computed of them; the others go on
                stuck |= still
                ids = []
                continue
            ids = [one for one in found if one not in stuck][:MOST_AT_ONCE]
            if not ids:
                return
            body = msgspec.json.encode({"batch": [time_passed(ids)]})
            entry = Entry(TIME_SOURCE, Door.EMBEDDED, 0, 1, body)
            await self._accept(entry, read_entry(entry))
            behind = self._inbox.next
            while self._inbox.cursor < behind:
                await self._inbox.wait_for_progress(_PROGRESS_SECONDS)
