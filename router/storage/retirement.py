"""What is written when a destination is retired: whatever still waits for it expires, so that no sum is left open."""

from typing import get_args

from router.storage.outcome import OutcomeName, OutcomeRecord, Run
from router.storage.store import DestinationState, Settlement

RETIRED = "retired"
"""The reason of events that a destination did not get because it was retired."""
DESTINATION_COUNTERS = ("accepted", *get_args(OutcomeName))
"""Durable counters whose first label is a destination."""


def last_settlement(state: DestinationState, end: int, *, at: int) -> Settlement:
    """The settlement after which nothing below `end` waits for the destination any more."""
    name = state.name
    unread = state.cursor.missing(state.cursor.floor, end)
    parked = [row.position for row in state.parked]
    runs = [Run(first, after - first, "expired", RETIRED, 0) for first, after in unread]
    runs += [Run(row.position, 1, "expired", RETIRED, row.attempts) for row in state.parked]
    fresh = sum(after - first for first, after in unread)
    counts = {("accepted", name): fresh, ("expired", name, RETIRED): fresh + len(parked)}
    runs.sort(key=lambda run: run.first)
    return Settlement(
        destination=name,
        cursor=state.cursor.complete(unread),
        record=OutcomeRecord(at, tuple(runs)) if runs else None,
        counts={key: amount for key, amount in counts.items() if amount},
        unpark=parked,
    )
