"""What a destination has to record: ends of events and moves of the cursor, gathered until the next settlement.

Conservation (`accepted = delivered + filtered + suppressed + dead + expired + pending`) is counted on two roads:
`accepted` from the positions that the cursor passes, the ends from the events themselves. An event counts as
accepted when the cursor passes it; a parked one is passed and is pending as a row. Events of sources that are not
connected are passed too, without being counted anywhere.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from router.events.envelope import Envelope
from router.storage.cursor import Cursor
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeName, OutcomeRecord, Run
from router.storage.store import Settlement

Attempts = dict[int, int]
"""Attempts of those events that needed more than one, by position."""


class Ledger:
    """Gathers until `take`."""

    def __init__(self, destination: str, cursor: Cursor) -> None:
        self._destination = destination
        self._cursor = cursor
        self._begin()

    def _begin(self) -> None:
        self._finished: list[tuple[int, int]] = []
        self._runs: list[Run] = []
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._uncounted = 0
        self._park: dict[int, Parked] = {}
        self._unpark: set[int] = set()
        self._letters: list[DeadLetter] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to settle."""
        return not (self._finished or self._park or self._unpark)

    def delivered(self, envelopes: Sequence[Envelope], attempts: Attempts) -> None:
        """The destination has these events; they are in order."""
        self._counts["delivered", self._destination] += len(envelopes)
        first = envelopes[0].position
        if not attempts and envelopes[-1].position - first == len(envelopes) - 1:
            self._runs.append(Run(first, len(envelopes), "delivered"))
            self._finished.append((first, first + len(envelopes)))
            return
        after, tries = first, attempts.get(first, 1)
        for envelope in envelopes:
            position = envelope.position
            own = attempts.get(position, 1)
            if position != after or own != tries:
                self._end(first, after - first, "delivered", "", tries)
                first, tries = position, own
            after = position + 1
        self._end(first, after - first, "delivered", "", tries)

    def children(self, delivered: int, dead: Iterable[str] = ()) -> None:
        """Count the requests of events that several of them settled; the sum of events knows nothing of these."""
        if delivered:
            self._counts["child_delivered", self._destination] += delivered
        for reason in dead:
            self._counts["child_dead", self._destination, reason] += 1

    def filtered(self, events: Iterable[tuple[Envelope, str]]) -> None:
        """These events do not go to the destination, each for a reason."""
        for envelope, reason in events:
            self._counts["filtered", self._destination, reason] += 1
            self._end(envelope.position, 1, "filtered", reason, 0)

    def dead(self, letter: DeadLetter) -> None:
        """An event was given up; the letter keeps it."""
        self._counts["dead", self._destination, letter.reason] += 1
        self._letters.append(letter)
        self._end(letter.position, 1, "dead", letter.reason, letter.attempts)

    def expired(self, first: int, after: int, reason: str) -> None:
        """Positions of which nothing is left to deliver."""
        self._counts["expired", self._destination, reason] += after - first
        self._end(first, after - first, "expired", reason, 0)

    def unconnected(self, envelopes: Sequence[Envelope]) -> None:
        """Pass events that are not this destination's."""
        self._uncounted += len(envelopes)
        self._finished.extend((one.position, one.position + 1) for one in envelopes)

    def park(self, row: Parked) -> None:
        """Park an event, or replace its row."""
        self._park[row.position] = row
        self._unpark.discard(row.position)
        self._finished.append((row.position, row.position + 1))

    def unpark(self, position: int) -> None:
        """The parked event met its end, which is recorded by another call."""
        self._park.pop(position, None)
        self._unpark.add(position)

    def take(self, at: int) -> Settlement:
        """All that is gathered, to be settled; gathering begins anew."""
        cursor = self._cursor.complete(self._finished)
        accepted = passed(cursor) - passed(self._cursor) - self._uncounted
        if accepted:
            self._counts["accepted", self._destination] += accepted
        runs = _merged(self._runs)
        settlement = Settlement(
            destination=self._destination,
            cursor=cursor,
            record=OutcomeRecord(at, runs) if runs else None,
            counts=dict(self._counts),
            park=tuple(self._park.values()),
            unpark=tuple(sorted(self._unpark)),
            dead_letters=tuple(self._letters),
        )
        self._cursor = cursor
        self._begin()
        return settlement

    def _end(self, first: int, count: int, outcome: OutcomeName, reason: str, attempts: int) -> None:
        self._runs.append(Run(first, count, outcome, reason, attempts))
        self._finished.append((first, first + count))


def passed(cursor: Cursor) -> int:
    """How many positions the cursor has passed."""
    return cursor.floor + cursor.completed_above_floor()


def _merged(runs: list[Run]) -> tuple[Run, ...]:
    """The runs in order, neighbours that met the same end put together."""
    merged: list[Run] = []
    for run in sorted(runs, key=lambda one: one.first):
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.first + last.count == run.first
            and (last.outcome, last.reason, last.attempts) == (run.outcome, run.reason, run.attempts)
        ):
            merged[-1] = Run(last.first, last.count + run.count, run.outcome, run.reason, run.attempts)
        else:
            merged.append(run)
    return tuple(merged)
