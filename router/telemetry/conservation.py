"""The promise that nothing disappears, as sums. For every destination, from its birth on:

    accepted = delivered + filtered + suppressed + dead + expired + deleted + pending

for every lane of the side log: put = done + dead + damaged + waiting,

and for the stream: received + created = in the stream + dropped at processing, each with its reason. What the router
creates itself (a violation that is forwarded, a blocked event on another source) stands on the left side.

Each side is counted on its own: `pending` from the cursor's ranges and the parked rows, `received` from the inbox's
cursor, never by subtraction, or a loss could not show. A dead letter that is sent again is not dead but pending.
"""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from router.storage.books import Books, Standing
from router.storage.side_log import DAMAGED, DEAD, DONE, PUT, waiting

OUTCOMES = ("delivered", "filtered", "suppressed", "dead", "expired", "deleted")
"""The ends that an event may meet at a destination."""
DROPS = ("duplicate", "processing_error")
"""Why an accepted event does not reach the stream."""
LANE_ENDS = {DONE: "done", DEAD: "dead", DAMAGED: "damaged"}
"""The counters of the ends that an entry of the side log may meet, in words."""
STREAM = "(stream)"
"""What the sum of the stream is called where destinations have their names."""


class Conservation(Struct, frozen=True, kw_only=True):
    """The sum for one destination, or for the stream."""

    destination: str
    accepted: int
    """Events that are to be accounted for."""
    outcomes: dict[str, int]
    """How many of them met each end."""
    pending: int = 0
    """How many are still to come."""
    verb: str = "accepted"
    """What the left side is called."""
    still: str = "pending"
    """What those are called that are still to come."""
    whose: str = ""
    """What it is the sum of, in words."""

    @property
    def missing(self) -> int:
        """Events without an end that do not wait either: 0, or something is wrong."""
        return self.accepted - sum(self.outcomes.values()) - self.pending

    @property
    def is_of_stream(self) -> bool:
        """Whether it is the stream's sum."""
        return self.destination == STREAM

    def __str__(self) -> str:
        ends = [f"{count} {name}" for name, count in self.outcomes.items() if count]
        terms = ends or ["0 in the stream"] if self.is_of_stream else [*ends, f"{self.pending} {self.still}"]
        return f"{self.accepted} {self.verb} = {' + '.join(terms)}"


def conservation(books: Books) -> list[Conservation]:
    """The sum of each destination."""
    totals: Counter[tuple[str, str]] = Counter()
    for name, amount in books.counters:
        if len(name) > 1:
            totals[name[0], name[1]] += amount
    return [
        Conservation(
            destination=one.name,
            accepted=totals["accepted", one.name] + unread(one, books.stream_next),
            outcomes={outcome: totals[outcome, one.name] for outcome in OUTCOMES},
            pending=pending(one, books.stream_next),
            whose=f"destination {one.name}",
        )
        for one in books.destinations
    ]


def lane_sums(books: Books) -> list[Conservation]:
    """The sum of each lane of the side log."""
    totals: Counter[tuple[str, str]] = Counter()
    for name, amount in books.counters:
        if name[0] in (PUT, *LANE_ENDS):
            totals[name[0], name[1]] += amount
    waits = waiting(books.lanes)
    return [
        Conservation(
            destination=lane,
            accepted=totals[PUT, lane],
            outcomes={word: totals[counter, lane] for counter, word in LANE_ENDS.items()},
            pending=waits.get(lane, 0),
            verb="taken",
            still="waiting",
            whose=lane,
        )
        for lane in sorted({lane for _, lane in totals} | waits.keys())
    ]


def stream_sum(books: Books) -> Conservation:
    """The sum of the stream: what was taken from the inbox or created is in it, or was dropped for a reason."""
    dropped: Counter[str] = Counter({"damaged": books.inbox_lost})
    created = 0
    for (name, *labels), amount in books.counters:
        if name == "filtered_at_source" or (name == "failed_on_ingest" and labels[-1] in DROPS):
            dropped[labels[-1]] += amount
        elif name == "diverted":  # it comes back through the inbox, and is received once more
            dropped[name] += amount
        elif name == "created_at_source":
            created += amount
    return Conservation(
        destination=STREAM,
        accepted=books.inbox_cursor + created,
        outcomes={"in the stream": books.stream_next, **dropped},
        verb="received or created" if created else "received",
        whose="the stream",
    )


def all_sums(books: Books) -> Sequence[Conservation]:
    """Every sum, that of the stream first."""
    return [stream_sum(books), *lane_sums(books), *conservation(books)]


def unread(one: Standing, stream_next: int) -> int:
    """Positions that are the destination's and that its cursor has not passed."""
    end = stream_next if one.until is None else min(stream_next, one.until)
    return max(0, end - one.cursor.floor - one.cursor.completed_above_floor())


def pending(one: Standing, stream_next: int) -> int:
    """Events that a destination still has to deal with: those it has not passed, and those that are parked."""
    return unread(one, stream_next) + one.parked
