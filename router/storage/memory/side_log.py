"""The side log in memory."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from router.errors import StoreFull
from router.storage.letters import DeadLetter
from router.storage.memory.dead_letters import MemoryDeadLetters
from router.storage.side_log import DEAD, DONE, PUT, REVIVED, Lane, SideEntry, SideLog
from router.storage.store import Counts


class MemorySideLog(SideLog):
    """The side log of a store in memory; `budget` is in bytes of data."""

    def __init__(
        self, count: Callable[[Counts], None], letters: MemoryDeadLetters, *, budget: int | None = None
    ) -> None:
        self._count = count
        self._letters = letters
        self._budget = budget
        self._entries: dict[int, SideEntry] = {}
        self._last = 0

    @property
    def refusal(self) -> StoreFull | None:
        """Whether the budget is spent."""
        if self._budget is not None and sum(len(one.data) for one in self._entries.values()) >= self._budget:
            return StoreFull("the side budget is spent")
        return None

    async def put(self, entry: SideEntry) -> int:
        """Add an entry."""
        return self.add(entry)

    def add(self, entry: SideEntry) -> int:
        """Add an entry; raises StoreFull above the budget."""
        if (refusal := self.refusal) is not None:
            raise refusal
        return self.take(entry)

    def take(self, entry: SideEntry) -> int:
        """Add an entry, whatever there is already."""
        self._count({(PUT, entry.lane): 1})
        return self._insert(entry)

    async def read(self, lane: str, *, beyond: int, limit: int) -> list[SideEntry]:
        """Entries behind an id."""
        return [one for one in self._entries.values() if one.lane == lane and one.id > beyond][:limit]

    async def due(self, lane: str, *, now: int, horizon: int, limit: int) -> list[SideEntry]:
        """What is due."""
        return [
            one
            for one in self._entries.values()
            if one.lane == lane and (one.due_at <= now or one.due_at > now + horizon)
        ][:limit]

    async def next_due(self, lane: str, *, now: int) -> int | None:
        """When the next entry becomes due."""
        coming = [one.due_at for one in self._entries.values() if one.lane == lane and one.due_at > now]
        return min(coming, default=None)

    async def put_off(self, entry: SideEntry) -> None:
        """Write down what an attempt came to."""
        if entry.id in self._entries:
            self._entries[entry.id] = replace(self._entries[entry.id], **_course(entry))

    async def finish(self, entry: SideEntry, letter: DeadLetter | None = None) -> None:
        """Take an entry out."""
        if self._entries.pop(entry.id, None) is None:
            return
        if letter is None:
            self._count({(DONE, entry.lane): 1})
        else:
            self._letters.add([letter])
            self._count({(DEAD, entry.lane, letter.reason): 1})

    async def revive(self, letter: DeadLetter, entry: SideEntry) -> bool:
        """Put a given-up entry in again."""
        if not await self._letters.drop([letter.id]):
            return False
        self._count({(DEAD, entry.lane, letter.reason): -1, (REVIVED, entry.lane, letter.reason): 1})
        self._insert(entry)
        return True

    async def lanes(self) -> Sequence[Lane]:
        """Every lane in which something waits."""
        return self.present()

    def present(self) -> tuple[Lane, ...]:
        """The same, at this moment."""
        found = Counter(one.lane for one in self._entries.values())
        put_off = Counter(one.lane for one in self._entries.values() if one.due_at)
        return tuple(Lane(name, found[name], put_off[name]) for name in sorted(found))

    def _insert(self, entry: SideEntry) -> int:
        self._last += 1
        self._entries[self._last] = replace(entry, id=self._last)
        return self._last


def _course(entry: SideEntry) -> dict[str, object]:
    return {
        "attempts": entry.attempts,
        "first_tried_at": entry.first_tried_at,
        "due_at": entry.due_at,
        "reason": entry.reason,
    }
