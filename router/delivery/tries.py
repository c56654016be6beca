"""Attempts of events that failed and are not parked: how many, since when, and what was heard meanwhile."""

from collections.abc import Iterable

from msgspec import Struct

from router.delivery.verdict import Verdict
from router.events.envelope import Envelope


class Tries(Struct):
    """One event's failed attempts since the start of the actor."""

    count: int
    first_at: float
    """By the monotonic clock: the age of an event counts from here, so only while it can be tried."""
    first_tried_at: int
    """In milliseconds since the epoch, for the record."""
    successes: int
    """Successes of the destination until the first failure."""
    verdict: Verdict


class Record:
    """Keeps the tries of events and judges their age. Delivered and dead events are forgotten."""

    def __init__(self, give_up: float) -> None:
        self._give_up = give_up
        self._tries: dict[int, Tries] = {}
        self.successes = 0
        """Flights in which the service took or refused an event."""
        self._concluded = 0

    def count(self, position: int) -> int:
        """Failed attempts of an event."""
        tries = self._tries.get(position)
        return tries.count if tries else 0

    def get(self, position: int) -> Tries | None:
        """What is known of an event's failed attempts."""
        return self._tries.get(position)

    def failed(self, events: Iterable[Envelope], verdict: Verdict, *, monotonic: float, now: int) -> None:
        """Count a failed attempt of these events."""
        for envelope in events:
            tries = self._tries.get(envelope.position)
            if tries is None:
                self._tries[envelope.position] = Tries(1, monotonic, now, self.successes, verdict)
            else:
                tries.count += 1
                tries.verdict = verdict

    def forget(self, events: Iterable[Envelope]) -> None:
        """These events met their end."""
        if self._tries:
            for envelope in events:
                self._tries.pop(envelope.position, None)

    def attempts(self, events: Iterable[Envelope]) -> dict[int, int]:
        """Attempts of those events that needed more than one, the present one included."""
        if not self._tries:
            return {}
        return {
            envelope.position: self._tries[envelope.position].count + 1
            for envelope in events
            if envelope.position in self._tries
        }

    def too_old(self, monotonic: float) -> list[int]:
        """Positions of the events that were tried and failed for so long that they are given up."""
        return [
            position for position, tries in self._tries.items() if monotonic - tries.first_at >= self._give_up
        ]

    def is_the_events_fault(self, position: int, *, failures: int) -> bool:
        """Whether an event that failed alone is to blame: it failed often enough, and others went well meanwhile.

        Each success is evidence once only, so a destination that goes down is not taken for many bad events.
        """
        tries = self._tries[position]
        if tries.count < failures or self.successes <= self._concluded:
            return False
        return failures == 1 or self.successes > tries.successes

    def conclude(self) -> None:
        """Use up the evidence."""
        self._concluded = self.successes
