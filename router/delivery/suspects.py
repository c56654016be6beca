"""Events of batches that failed while the destination may be well: tried apart, in ever smaller parts.

A family holds the events of one failed batch. Its parts are sent one at a time; a part that fails is halved, until
the event that makes the service fail is alone. All keys of a family are blocked for everybody else meanwhile.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet

from router.events.calls import AnyEvent
from router.events.envelope import Envelope

Keys = Callable[[AnyEvent], tuple[str, ...]]


class Suspects:
    """The families, the oldest first. The next part of the oldest family is the only one that may be sent."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._families: deque[list[list[Envelope]]] = deque()
        self._last_failed: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return sum(len(part) for family in self._families for part in family)

    def __iter__(self) -> Iterator[Envelope]:
        return (envelope for family in self._families for part in family for envelope in part)

    def add(self, failed: list[Envelope]) -> None:
        """Suspect the events of a failed batch."""
        self._families.append(_halves(sorted(failed, key=lambda one: one.position)))
        self._last_failed = frozenset(one.position for one in failed)

    def next(self) -> list[Envelope]:
        """The part that is to be sent next; it stays here until its events are cleared."""
        return list(self._families[0][0]) if self._families else []

    def failed(self, positions: AbstractSet[int]) -> None:
        """The part of the oldest family with these events failed again: it is sent in halves."""
        self._last_failed = frozenset(positions)
        if self._families:
            family = self._families[0]
            family[:1] = _halves(family[0])

    def clear(self, positions: AbstractSet[int]) -> None:
        """Forget events that met an end, were parked, or wait elsewhere."""
        for family in self._families:
            family[:] = [
                part
                for one in family
                if (part := [event for event in one if event.position not in positions])
            ]
        self._families = deque(family for family in self._families if family)

    def isolate(self, wanted: Envelope) -> None:
        """Make the event a part of its own, at its place and next in turn for nobody but a probe."""
        for family in self._families:
            for index, part in enumerate(family):
                positions = [one.position for one in part]
                if wanted.position in positions:
                    at = positions.index(wanted.position)
                    family[index : index + 1] = [
                        piece for piece in (part[:at], [wanted], part[at + 1 :]) if piece
                    ]
                    return

    def probes(self) -> list[Envelope]:
        """Events that could be sent alone now: the first of each user in each family."""
        found = []
        for family in self._families:
            seen: set[str] = set()
            for part in family:
                for envelope in part:
                    keys = self._keys(envelope.event)
                    if seen.isdisjoint(keys):
                        found.append(envelope)
                    seen.update(keys)
        return found

    def failed_last(self, envelope: Envelope) -> bool:
        """Whether the event was in the part that failed last."""
        return envelope.position in self._last_failed

    def keys(self) -> Iterable[str]:
        """The keys of every suspected event."""
        return (key for envelope in self for key in self._keys(envelope.event))


def _halves(part: list[Envelope]) -> list[list[Envelope]]:
    if len(part) < 2:
        return [part]
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
