"""Dead letters in memory: the contract in its plainest form."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from router.storage.dead_letters import (
    SLICE,
    DeadLetters,
    LetterLine,
    LetterQuery,
    Revived,
    line_of,
    revived_row,
)
from router.storage.letters import DeadLetter, Parked

Park = Callable[[DeadLetter, Parked, int], bool]


class MemoryDeadLetters(DeadLetters):
    """The letters of one store; `park` makes a letter pending, or says that it cannot."""

    def __init__(self, park: Park) -> None:
        self._park = park
        self._letters: dict[int, DeadLetter] = {}
        self._last = 0

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters; each gets an id."""
        for letter in letters:
            self._last += 1
            self._letters[self._last] = replace(letter, id=self._last)

    def rename(self, old: str, new: str) -> None:
        """Give the letters of a destination to its new name."""
        for number, letter in self._letters.items():
            if letter.destination == old:
                self._letters[number] = replace(letter, destination=new)

    async def find(
        self, wanted: LetterQuery, *, limit: int, beyond: int | None = None, newest_first: bool = True
    ) -> list[LetterLine]:
        """One page of letters."""
        lines = [line for line in map(line_of, self._letters.values()) if _matches(line, wanted)]
        if newest_first:
            lines.reverse()
        if beyond is not None:
            lines = [line for line in lines if (line.id < beyond if newest_first else line.id > beyond)]
        return lines[:limit]

    async def count(self, wanted: LetterQuery) -> int:
        """How many letters match."""
        return len(await self.find(wanted, limit=len(self._letters)))

    async def read(self, ids: Sequence[int]) -> list[DeadLetter]:
        """The whole letters."""
        return [self._letters[one] for one in sorted(ids) if one in self._letters]

    async def revive(self, ids: Sequence[int], *, now: int) -> Revived:
        """Make events pending again."""
        revived: defaultdict[str, list[Parked]] = defaultdict(list)
        unknown = []
        for number in ids[:SLICE]:
            letter = self._letters.get(number)
            row = revived_row(letter, now=now, store_id=bytes(16)) if letter else None
            if letter is None or row is None or not self._park(letter, row, now):
                unknown.append(number)
                continue
            del self._letters[number]
            revived[letter.destination].append(replace(row, kept=b""))
        return Revived(dict(revived), unknown)

    async def drop(self, ids: Sequence[int]) -> int:
        """Forget letters."""
        return sum(self._letters.pop(one, None) is not None for one in ids[:SLICE])


def _matches(line: LetterLine, wanted: LetterQuery) -> bool:
    names = ("destination", "reason", "event", "user", "message_id")
    return (
        all(getattr(wanted, name) in ("", getattr(line, name)) for name in names)
        and (wanted.since is None or line.died_at >= wanted.since)
        and (wanted.until is None or line.died_at < wanted.until)
    )
