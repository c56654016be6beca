"""The actor of one function that asks others about the events of a source, before they are kept.

    enrichment ──▶ side log ──▶ this actor ──asking──▶ inbox, as `Returned` ──▶ entry finished, and the steps behind

Events of one user keep their order: one that waits, or is worked on, holds back those behind it that share one of its
keys. Where too many of one user wait behind one that is put off, they are passed over, so that others go on. A function
that fails is tried again for four hours, a little later each time.
"""

import asyncio
import random
from collections.abc import Callable, Sequence, Set
from typing import Any

from router.ingestion.webhook_actor import SIDE_BY_SIDE, Failed, WebhookActor
from router.plugins.source import Call
from router.rules.request import read_returned
from router.storage.entry import Door, Entry
from router.storage.side_log import SideEntry

GIVE_UP_SECONDS = 4 * 3600.0
FIRST_SECONDS = 1.0
MOST_SECONDS = 300.0
"""The first wait, and the longest; each is twice the one before, and up to half of it is left to chance."""
AHEAD = 500
"""So many entries are looked at, to find one that nobody holds back."""
MOST_PASSED = 50_000
"""Keys of entries that were passed over; beyond that nothing more is looked at."""

SLICE_ENTRIES = 50
"""So many are read without giving way to the loop."""

Keys = Callable[[SideEntry], Sequence[str]]


class DivertActor(WebhookActor):
    """Works off the lane of one function and one source, in the order of each user."""

    subject = "an event"

    def __init__(self, *arguments: Any, keys: Keys, moved: Callable[[], None], **options: Any) -> None:
        """As WebhookActor; `keys` are those whose order an entry keeps, and `moved` is called when one is gone."""
        super().__init__(*arguments, **options)
        self.name = self._lane
        self._keys = keys
        self._moved = moved
        self._waiting: dict[int, tuple[SideEntry, Sequence[str]]] = {}
        """The first entries of the lane, in the order of their ids, also those that are worked on."""
        self._last = 0
        self._passed: set[str] = set()
        """Keys of entries that were passed over since one before them holds them back."""
        self._passed_from = 0
        """The id of the first of them."""
        self._rewinds = 0

    async def run(self) -> None:
        """Work off what is due, and wait for more; begins with what the store holds."""
        self._waiting.clear()
        self._last = 0
        self._passed.clear()
        await super().run()

    async def _due(self, now: int) -> list[SideEntry]:
        if self._is_stopping:
            return []
        is_more = await self._look_ahead()
        found = self._free(now)
        while not found and not self._running and (is_more or self._pass_over()):
            is_more = await self._look_ahead()
            found = self._free(now)
        return found

    def _free(self, now: int) -> list[SideEntry]:
        """Those that are due and that nobody holds back, as many as can be begun."""
        found: list[SideEntry] = []
        held: set[str] = set()
        for entry, keys in self._waiting.values():
            if len(found) + len(self._running) >= SIDE_BY_SIDE:
                break
            is_free = held.isdisjoint(keys)
            held.update(keys)
            is_due = entry.due_at <= now or entry.due_at > now + MOST_SECONDS * 1000
            if is_free and is_due and entry.id not in self._running:
                found.append(entry)
        return found

    async def _look_ahead(self) -> bool:
        """Read on where there is room; whether there may be more behind that."""
        room = AHEAD - len(self._waiting)
        if room < AHEAD // 4 or len(self._passed) >= MOST_PASSED:
            return False
        beyond, known = self._last, set(self._waiting)  # they may end while this is read
        rewinds = self._rewinds
        fresh = await self._insist(lambda: self._log.read(self._lane, beyond=beyond, limit=room))
        for count, entry in enumerate(fresh, 1):
            if rewinds != self._rewinds:
                return True  # it is read again from further in front
            self._take(entry, known)
            if count % SLICE_ENTRIES == 0:
                await asyncio.sleep(0)
        return len(fresh) == room

    def _take(self, entry: SideEntry, known: Set[int]) -> None:
        self._last = entry.id
        if entry.id in known:
            return
        keys = self._keys(entry)
        if self._passed.isdisjoint(keys):
            self._waiting[entry.id] = (entry, keys)
        else:
            self._passed.update(keys)

    def _pass_over(self) -> bool:
        """Make room for others where a user whose event is put off has too many behind it; False if none was made.

        What is passed over is read again once an event of its user is gone.
        """
        if AHEAD - len(self._waiting) >= AHEAD // 4:
            return False  # there are no others
        held: set[str] = set()
        passed: list[int] = []
        for number, (_, keys) in self._waiting.items():
            if not held.isdisjoint(keys):
                passed.append(number)
            held.update(keys)
        for number in passed:
            _, keys = self._waiting.pop(number)
            self._passed_from = min(self._passed_from, number) if self._passed else number
            self._passed.update(keys)
        return bool(passed)

    async def _next_due(self, now: int) -> int | None:
        coming = [entry.due_at for entry, _ in self._waiting.values() if entry.due_at > now]
        return min(coming, default=None)

    async def _kept(self, entry: SideEntry, calls: Sequence[Call]) -> None:
        """Put the event into the inbox again, and then let go of the entry."""
        [body] = calls
        assert isinstance(body, bytes)  # the attempt of a function says it so
        self._keeping += 1
        try:
            received = read_returned(body)
            returning = Entry(self._source, Door.RETURNED, 0, 1, received.body)
            await self._insist(lambda: self._accept(returning, received))
            await self._insist(lambda: self._log.finish(entry))
            self._tell("")
        finally:
            self._keeping -= 1
            self._rest.set()
        self._ended(entry)

    def _ended(self, entry: SideEntry) -> None:
        _, keys = self._waiting.pop(entry.id, (entry, ()))
        if not self._passed.isdisjoint(keys):
            self._passed.clear()
            self._rewinds += 1
            self._last = min(self._last, self._passed_from - 1)
        self._moved()

    def _postponed(self, entry: SideEntry) -> None:
        _, keys = self._waiting[entry.id]
        self._waiting[entry.id] = (entry, keys)

    def _is_spent(self, tried: SideEntry, now: int) -> bool:
        return now - tried.first_tried_at >= GIVE_UP_SECONDS * 1000

    def _seconds(self, tried: SideEntry, failed: Failed) -> float:
        longest = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(tried.attempts - 1, 20))
        return max(random.uniform(longest / 2, longest), min(failed.after or 0.0, MOST_SECONDS))
