"""Forms batches in the order of the stream, across users, and never overtakes.

An event that shares an order key with one that is on its way, suspected or skipped before it waits for its turn; one
that shares a key with a parked event goes behind the barrier. When nothing is on its way and nothing waits there is
nothing to overtake: then no keys are computed at all. Where a destination groups, an event of another group than the
batch's first waits for its turn too.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from collections.abc import Set as AbstractSet
from itertools import accumulate, islice

from router.delivery.grouping import Group
from router.delivery.parking import Parking
from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.plugins.policies import Batching

Keys = Callable[[AnyEvent], tuple[str, ...]]
GROUPED = 10
"""So many batches' worth of events may wait for a batch of their group before no more is read."""
PROBES = 100
"""So many events are looked at to find one for a probe."""


class Batcher:
    """Holds what was read and not yet sent."""

    def __init__(
        self, batching: Batching, *, keys: Keys, parking: Parking, group: Group | None = None
    ) -> None:
        self._max_events = max(1, batching.max_events)
        self._max_bytes = int(batching.max_bytes)
        self._max_wait = float(batching.max_wait)
        self._keys = keys
        self._parking = parking
        self._group = group
        self._fresh: deque[Envelope] = deque()
        self._waiting: list[tuple[Envelope, tuple[str, ...]]] = []
        self._since = 0.0
        self._batch_group: Hashable = None

    def __len__(self) -> int:
        return len(self._fresh) + len(self._waiting)

    @property
    def wants_more(self) -> bool:
        """Whether what was read does not fill a batch."""
        if self._group is not None and len(self._waiting) > GROUPED * self._max_events:
            return False
        return len(self._fresh) < self._max_events

    def add(self, envelopes: Iterable[Envelope], now: float) -> None:
        """Take what was read next."""
        if not self._fresh:
            self._since = now
        self._fresh.extend(envelopes)

    def give_back(self, envelopes: Iterable[Envelope]) -> None:
        """Take back events that could not be sent, or that need not wait behind the barrier any longer."""
        keys = self._keys
        self._waiting.extend((envelope, keys(envelope.event)) for envelope in envelopes)
        self._waiting.sort(key=lambda item: item[0].position)

    def wait_left(self, now: float) -> float:
        """Seconds for which a batch that is not full should wait for more; 0 when it should leave."""
        if not self._max_wait or self._waiting or not self.wants_more:
            return 0.0
        return max(0.0, self._since + self._max_wait - now)

    def take(self, busy: AbstractSet[str] | None, now: float) -> list[Envelope]:
        """The next batch, without events that share a key with `busy`; None says that nothing is on its way."""
        if busy is None and not self._waiting and not self._parking and self._group is None:
            batch = self._prefix()
        else:
            batch = self._without(busy or frozenset())
        self._since = now
        return batch

    def probes(self, busy: AbstractSet[str]) -> list[Envelope]:
        """Some events, each of which could be sent alone now."""
        skipped: set[str] = set()
        found = []
        fresh = ((envelope, self._keys(envelope.event)) for envelope in self._fresh)
        for items in (self._waiting, fresh):
            for envelope, keys in islice(items, PROBES):
                blocked = self._parking.blocks(envelope.position, keys)
                if not blocked and busy.isdisjoint(keys) and skipped.isdisjoint(keys):
                    found.append(envelope)
                skipped.update(keys)
        return found

    def find(self, positions: AbstractSet[int]) -> list[Envelope]:
        """Those of these events that wait here."""
        found = [one for one, _ in self._waiting if one.position in positions]
        return found + [one for one in self._fresh if one.position in positions]

    def drop(self, positions: AbstractSet[int]) -> None:
        """Take these events out."""
        self._waiting = [item for item in self._waiting if item[0].position not in positions]
        self._fresh = deque(one for one in self._fresh if one.position not in positions)

    def _prefix(self) -> list[Envelope]:
        fresh = self._fresh
        take = fresh.popleft
        batch = [take() for _ in range(min(self._max_events, len(fresh)))]
        if len(batch) > 1:
            sizes = [len(envelope.event.json) for envelope in batch]
            if sum(sizes) > self._max_bytes:
                fits = max(1, sum(size <= self._max_bytes for size in accumulate(sizes)))
                fresh.extendleft(reversed(batch[fits:]))
                del batch[fits:]
        return batch

    def _without(self, busy: AbstractSet[str]) -> list[Envelope]:
        batch: list[Envelope] = []
        skipped: set[str] = set()
        size = scanned = 0
        waiting, self._waiting = self._waiting, []
        for envelope, keys in waiting:
            if batch and self._is_full(len(batch), size + len(envelope.event.json)):
                break
            scanned += 1
            size += self._sort(envelope, keys, batch, busy, skipped)
        still = waiting[scanned:]
        fresh = self._fresh
        while fresh and not still:
            if batch and self._is_full(len(batch), size + len(fresh[0].event.json)):
                break
            envelope = fresh.popleft()
            size += self._sort(envelope, self._keys(envelope.event), batch, busy, skipped)
        self._waiting += still
        return batch

    def _is_full(self, events: int, size: int) -> bool:
        return events >= self._max_events or size > self._max_bytes

    def _fits(self, envelope: Envelope, batch: list[Envelope]) -> bool:
        """Whether the event is of the batch's group."""
        if self._group is None:
            return True
        group = self._group(envelope.event)
        if not batch:
            self._batch_group = group
        return group == self._batch_group

    def _sort(
        self,
        envelope: Envelope,
        keys: tuple[str, ...],
        batch: list[Envelope],
        busy: AbstractSet[str],
        skipped: set[str],
    ) -> int:
        """Put an event into the batch, behind the barrier or back; return the bytes it adds to the batch."""
        if self._parking.blocks(envelope.position, keys):
            self._parking.hold(envelope, keys)
        elif busy.isdisjoint(keys) and skipped.isdisjoint(keys) and self._fits(envelope, batch):
            batch.append(envelope)
            return len(envelope.event.json) + 1
        else:
            skipped.update(keys)
            self._waiting.append((envelope, keys))
        return 0
