"""The promise that nothing disappears, as a sum: for every destination,

    accepted = delivered + filtered + suppressed + dead + expired + deleted + pending

The left side and each term are counted on their own: `pending` from the cursor's ranges and the parked rows, never by
subtraction, or a loss could not show.
"""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from router.storage.store import Counts, DestinationState

OUTCOMES = ("delivered", "filtered", "suppressed", "dead", "expired", "deleted")
"""The ends that an event may meet at a destination."""


class Conservation(Struct, frozen=True, kw_only=True):
    """The sum for one destination."""

    destination: str
    accepted: int
    """Events that are this destination's to deal with, from its birth on."""
    outcomes: dict[str, int]
    """How many of them met each end."""
    pending: int
    """How many are still to come."""

    @property
    def missing(self) -> int:
        """Events without an end that do not wait either: 0, or something is wrong."""
        return self.accepted - sum(self.outcomes.values()) - self.pending

    def __str__(self) -> str:
        terms = " + ".join(f"{count} {name}" for name, count in self.outcomes.items() if count)
        return f"{self.accepted} accepted = {terms + ' + ' if terms else ''}{self.pending} pending"


def conservation(
    destinations: Iterable[DestinationState], counters: Counts, *, stream_next: int
) -> list[Conservation]:
    """The sum of each destination, from what the store knows."""
    totals: Counter[tuple[str, str]] = Counter()
    for name, amount in counters.items():
        if len(name) > 1:
            totals[name[0], name[1]] += amount
    return [
        Conservation(
            destination=state.name,
            accepted=totals["accepted", state.name] + unread(state, stream_next),
            outcomes={outcome: totals[outcome, state.name] for outcome in OUTCOMES},
            pending=pending(state, stream_next),
        )
        for state in destinations
    ]


def unread(state: DestinationState, stream_next: int) -> int:
    """Positions that are the destination's and that its cursor has not passed."""
    end = stream_next if state.until is None else min(stream_next, state.until)
    return max(0, end - state.cursor.floor - state.cursor.completed_above_floor())


def pending(state: DestinationState, stream_next: int) -> int:
    """Events that a destination still has to deal with: those it has not passed, and those that are parked."""
    parked = sum(state.cursor.is_complete(row.position) for row in state.parked)
    return unread(state, stream_next) + parked
