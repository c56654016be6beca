"""What the store itself expired while a destination was at work, taken out of what the destination settles later."""

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from router.storage.outcome import OutcomeRecord, Run
from router.storage.store import Settlement

Ranges = Sequence[tuple[int, int]]
"""Half-open ranges of positions."""


def without_expired(settlement: Settlement, expired: Ranges) -> Settlement:
    """The settlement as it may be written: an event that expired is not delivered, filtered or dead as well.

    Expiring it counted it as accepted, so it is not counted as that again: neither when the destination records an
    end for it, nor when it parks it.
    """
    name = settlement.destination
    cursor = settlement.cursor.complete(list(expired))
    park = [one for one in settlement.park if _outside(one.position, one.position + 1, expired)]
    counts: Counter[tuple[str, ...]] = Counter(settlement.counts)
    again = len(settlement.park) - len(park)
    runs: list[Run] = []
    for run in settlement.record.runs if settlement.record else ():
        left = _outside(run.first, run.first + run.count, expired)
        runs += [replace(run, first=first, count=after - first) for first, after in left]
        lost = run.count - sum(after - first for first, after in left)
        if lost:
            again += lost - sum(
                run.first <= position < run.first + run.count
                and not _outside(position, position + 1, expired)
                for position in settlement.unpark
            )
            for key in ((run.outcome, name), (run.outcome, name, run.reason)):
                if key in counts:
                    counts[key] -= lost
    if ("accepted", name) in counts:
        counts["accepted", name] -= again
    letters = [one for one in settlement.dead_letters if _outside(one.position, one.position + 1, expired)]
    record = OutcomeRecord(settlement.record.at, tuple(runs)) if settlement.record else None
    return replace(
        settlement, cursor=cursor, record=record, counts=dict(+counts), dead_letters=letters, park=park
    )


def _outside(first: int, after: int, ranges: Ranges) -> list[tuple[int, int]]:
    left = []
    for start, end in ranges:
        if end <= first or start >= after:
            continue
        if start > first:
            left.append((first, start))
        first = max(first, end)
    if first < after:
        left.append((first, after))
    return left
