"""Parked events and the barrier behind which later events of the same users wait.

A parked event is a row in the store; the events behind it are not: they stay in memory here, and after a restart
they are read from the stream again and meet the same barrier, because the cursor has not passed them.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from router.delivery.verdict import Judgement, Verdict
from router.events.envelope import Envelope
from router.storage.letters import Parked

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30 * 60.0
JITTER = (0.5, 1.5)
MOST_PARKED = 10_000
"""With this many parked events the destination pauses: it is not single events that fail any more."""
HELD_BYTES = 16 << 20
"""So much JSON may wait behind the barrier; beyond it the destination reads no further."""


class Retried(Struct, frozen=True):
    """What a failed retry of a parked event leads to: another wait, or the end."""

    row: Parked
    is_over: bool


class Parking:
    """Which events are parked, when they are due, and who waits behind whom."""

    def __init__(
        self,
        rows: Iterable[Parked],
        *,
        give_up: float,
        now: int,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._give_up = int(give_up * 1000)
        self._uniform = uniform
        self._rows: dict[int, Parked] = {}
        self._due: list[tuple[int, int]] = []
        self._queues: dict[str, list[int]] = {}
        self._held: dict[int, tuple[Envelope, tuple[str, ...]]] = {}
        self._held_bytes = 0
        self._away: set[int] = set()
        for row in sorted(rows, key=lambda one: one.position):
            self.park(_clamped(row, now))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def held(self) -> int:
        """Events behind the barrier."""
        return len(self._held)

    @property
    def is_full(self) -> bool:
        """Whether the destination must pause until parked events are gone."""
        return len(self._rows) >= MOST_PARKED

    @property
    def holds_enough(self) -> bool:
        """Whether the destination must read no further until the barrier lets events go."""
        return self._held_bytes >= HELD_BYTES

    @property
    def is_away(self) -> bool:
        """Whether a parked event is being retried."""
        return bool(self._away)

    @property
    def keys(self) -> AbstractSet[str]:
        """The order keys of everything parked and held; a view that changes with them."""
        return self._queues.keys()

    def blocks(self, position: int, keys: tuple[str, ...]) -> bool:
        """Whether the event must wait behind the barrier: an earlier one with one of its keys does."""
        queues = self._queues
        return bool(queues) and any(key in queues and queues[key][0] < position for key in keys)

    def park(self, row: Parked) -> None:
        """Park an event, or put it back with a later due time; it stays at its place before those behind it."""
        if row.position not in self._rows:
            self._enter(row.position, row.keys)
        self._rows[row.position] = row
        self._away.discard(row.position)
        heappush(self._due, (row.due_at, row.position))

    def hold(self, envelope: Envelope, keys: tuple[str, ...]) -> None:
        """Keep an event behind the barrier."""
        self._held[envelope.position] = (envelope, keys)
        self._held_bytes += len(envelope.event.json)
        self._enter(envelope.position, keys)

    def next_due(self) -> int | None:
        """When the next retry is due, in milliseconds since the epoch; None when nothing waits for one."""
        while self._due and not self._is_waiting(*self._due[0]):
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def take(self, now: int) -> Parked | None:
        """Take an event that is due, to retry it; its barrier stays until `lift` or `park`."""
        due_at = self.next_due()
        if due_at is None or due_at > now:
            return None
        row = self._rows[heappop(self._due)[1]]
        self._away.add(row.position)
        return row

    def lift(self, position: int) -> list[Envelope]:
        """Forget a parked event that met its end; return the events that need not wait any longer, in order."""
        row = self._rows.pop(position)
        self._away.discard(position)
        free: list[Envelope] = []
        self._leave(position, row.keys)
        heads = {self._queues[key][0] for key in row.keys if key in self._queues}
        while heads:
            found = min(heads)
            heads.discard(found)
            if found not in self._held or not self._is_first(found):
                continue
            envelope, keys = self._held.pop(found)
            self._held_bytes -= len(envelope.event.json)
            self._leave(found, keys)
            free.append(envelope)
            heads.update(self._queues[key][0] for key in keys if key in self._queues)
        return sorted(free, key=lambda one: one.position)

    def first(
        self,
        envelope: Envelope,
        keys: tuple[str, ...],
        verdict: Verdict,
        *,
        attempts: int,
        first_tried_at: int,
        now: int,
    ) -> Retried:
        """Work out the row of an event that failed while others did not."""
        row = Parked(
            position=envelope.position,
            attempts=attempts,
            first_tried_at=first_tried_at,
            due_at=now,
            reason=verdict.code,
            keys=keys,
        )
        return self._next(row, verdict, now)

    def again(self, row: Parked, verdict: Verdict, *, started_at: int, now: int) -> Retried:
        """Work out the row after a failed retry; time in which it was overdue and not tried does not age it."""
        overdue = max(0, started_at - row.due_at)
        is_snooze = verdict.judgement is Judgement.SNOOZE
        tried = replace(
            row,
            attempts=row.attempts + (0 if is_snooze else 1),
            first_tried_at=row.first_tried_at + overdue,
            reason=verdict.code,
        )
        retried = self._next(tried, verdict, now)
        return Retried(retried.row, False) if is_snooze else retried

    def put_back(self, row: Parked, now: int) -> None:
        """A row that was taken could not be tried; it is taken again a little later."""
        self.park(replace(row, due_at=now + int(FIRST_SECONDS * 1000)))

    def _next(self, row: Parked, verdict: Verdict, now: int) -> Retried:
        seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(row.attempts - 1, 40))
        seconds *= self._uniform(*JITTER)
        if verdict.after is not None:  # honoured, but an event does not die of it
            seconds = max(seconds, min(verdict.after, (row.first_tried_at + self._give_up - now) / 1000))
        due_at = now + int(seconds * 1000)
        return Retried(replace(row, due_at=due_at), due_at - row.first_tried_at > self._give_up)

    def _is_waiting(self, due_at: int, position: int) -> bool:
        row = self._rows.get(position)
        return row is not None and row.due_at == due_at and position not in self._away

    def _is_first(self, position: int) -> bool:
        return all(self._queues[key][0] == position for key in self._held[position][1])

    def _enter(self, position: int, keys: tuple[str, ...]) -> None:
        for key in keys:
            insort(self._queues.setdefault(key, []), position)

    def _leave(self, position: int, keys: tuple[str, ...]) -> None:
        for key in keys:
            queue = self._queues[key]
            queue.remove(position)
            if not queue:
                del self._queues[key]


def _clamped(row: Parked, now: int) -> Parked:
    """A row as loaded: due within the longest back-off, and as old as it was when it was written.

    The time in which nobody could try it does not age it, nor does a clock that was set meanwhile.
    """
    latest = now + int(LONGEST_SECONDS * JITTER[1] * 1000)
    due_at = min(max(row.due_at, now), latest)
    return replace(row, due_at=due_at, first_tried_at=row.first_tried_at + due_at - row.due_at)
