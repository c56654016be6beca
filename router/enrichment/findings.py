"""Fields that probably hold personal data: what people are shown, to decide on.

    step prepared ─▶ Finds ─▶ committed, with the rows of new fields ─▶ Findings ─▶ every few seconds, what changed

They are bounded. No value is kept, only what it looks like. A step that fails leaves nothing, so that an event which
is prepared again counts once, and a field is new once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from router.events.found_field import FoundField

MOST_LETTERS = 2500
"""Letters of field names that are compared for the first time in one step, which takes about 5 ms; clients may make up
names without end."""
MOST_LOOKED_AT = 2000
"""Fields that are looked at in one step: up to 12 ms, where a client sees to it that each looks like personal data."""
MOST_FIELDS = 2000
"""Fields that are kept; the one that was not seen for longest goes first."""
SHOWN_MILLISECONDS = 7 * 86_400_000
"""For so long a field that is seen no more is shown."""
FORGOTTEN_MILLISECONDS = 90 * 86_400_000
"""After so long it is removed; should it come again, it is new."""


class Finds:
    """What one step found."""

    def __init__(self, is_known: Callable[[str], bool], has_room: Callable[[int, int], bool]) -> None:
        """`has_room` says whether so many more fields fit in at a time without driving out others of the last days."""
        self._is_known = is_known
        self._has_room = has_room
        self.found: dict[str, FoundField] = {}
        self._new: list[str] = []
        self.letters_left = MOST_LETTERS
        """So many letters of names may still be compared with the matchers for the first time."""
        self.fields_left = MOST_LOOKED_AT
        """So many fields may still be looked at."""

    def note(self, found: FoundField) -> bool:
        """Note that a field was seen; whether it is a new one of which people are to be told.

        While there are more of them than anybody reads, which is what hostile clients can bring about, they are not.
        """
        known = self.found.get(found.path)
        if known is not None:
            known.add(found)
            return False
        self.found[found.path] = found
        if self._is_known(found.path):
            return False
        self._new.append(found.path)
        return self._has_room(len(self._new), found.last_at)

    @property
    def new_count(self) -> int:
        """How many fields were not known before."""
        return len(self._new)

    def new(self) -> Sequence[FoundField]:
        """The rows of fields that were not known before."""
        return [self.found[path] for path in self._new]


class Findings:
    """What all committed steps found."""

    def __init__(self) -> None:
        self._fields: dict[str, FoundField] = {}
        """The one that was seen last is the last."""
        self._steps: deque[Finds] = deque()
        self._changed: set[str] = set()
        self._gone: set[str] = set()
        self.is_doubtful = False
        """Whether a step came to nothing that may be in the store all the same: its answer may have been lost."""

    def load(self, rows: Iterable[FoundField]) -> None:
        """Begin with what the store knows."""
        self._fields = {one.path: one for one in sorted(rows, key=lambda one: one.last_at)}
        self._trim()

    def rows(self) -> list[FoundField]:
        """Every field that is kept."""
        return list(self._fields.values())

    def step(self) -> Finds:
        """What the next step adds."""
        made = Finds(self._is_known, self._has_room)
        self._steps.append(made)
        return made

    def committed(self) -> None:
        """The oldest step is durable, so what it found counts."""
        done = self._steps.popleft()
        new = {one.path for one in done.new()}
        for path, found in done.found.items():
            known = self._fields.pop(path, None)
            if known is not None:
                known.add(found)
            self._fields[path] = known or found  # behind all others
            self._gone.discard(path)
            if path not in new:
                self._changed.add(path)
        self._trim()

    def forget(self) -> None:
        """Drop what is not durable, as far as is known: it is prepared again."""
        self.is_doubtful |= any(step.new_count for step in self._steps)
        self._steps.clear()

    def catch_up(self, rows: Iterable[FoundField]) -> None:
        """Take in what is in the store after all; of fields that are known, what is in memory is newer."""
        self.is_doubtful = False
        self.load([*self._fields.values(), *(one for one in rows if one.path not in self._fields)])

    def take(self) -> tuple[list[FoundField], list[str]]:
        """The rows that changed since it was asked last, and the paths of those that went."""
        changed, gone = sorted(self._changed), sorted(self._gone)
        self._changed, self._gone = set(), set()
        return [self._fields[path] for path in changed], gone

    def give_back(self, rows: Iterable[FoundField], gone: Iterable[str]) -> None:
        """They could not be written."""
        self._changed.update(one.path for one in rows if one.path in self._fields)
        self._gone.update(path for path in gone if path not in self._fields)

    def _is_known(self, path: str) -> bool:
        return path in self._fields or any(path in step.found for step in tuple(self._steps)[:-1])

    def _has_room(self, more: int, at: int) -> bool:
        over = (
            len(self._fields) + sum(step.new_count for step in tuple(self._steps)[:-1]) + more - MOST_FIELDS
        )
        if over <= 0:
            return True
        oldest = next(iter(self._fields.values()), None)
        return oldest is not None and oldest.last_at < at - SHOWN_MILLISECONDS

    def _trim(self) -> None:
        if not self._fields:
            return
        latest = next(reversed(self._fields.values())).last_at
        for path, one in tuple(self._fields.items()):
            if len(self._fields) <= MOST_FIELDS and one.last_at >= latest - FORGOTTEN_MILLISECONDS:
                break
            del self._fields[path]
            self._changed.discard(path)
            self._gone.add(path)
