"""What a delivery actor knows between two settlements; made anew from the store whenever the actor starts."""

import asyncio
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from enum import Enum

from msgspec import Struct

from router.delivery.batcher import Batcher
from router.delivery.clock import Clock
from router.delivery.concurrency import ConcurrencyLimit
from router.delivery.flight import Keys, Report
from router.delivery.grouping import Group
from router.delivery.ledger import Ledger
from router.delivery.parking import Parking
from router.delivery.pause import Pause
from router.delivery.suspects import Suspects
from router.delivery.tries import Record
from router.events.calls import AnyEvent
from router.events.envelope import Envelope, order_keys
from router.plugins.policies import Ordering, Policies
from router.storage.cursor import Cursor
from router.storage.letters import Parked


class Kind(Enum):
    """Why a flight left."""

    LIVE = "live"
    """The next batch of the stream."""
    PROBE = "probe"
    """One event, to see whether a paused destination is back."""
    TRIAL = "trial"
    """A part of a suspected batch; its events stay among the suspects until they are cleared."""
    RETRY = "retry"
    """A parked event whose time has come."""


class Flight(Struct, eq=False):
    """A batch on its way."""

    kind: Kind
    batch: list[Envelope]
    started_at: float
    keys: frozenset[str] | None = None
    """Order keys that nobody else may use meanwhile; None as long as nobody asked for them."""
    row: Parked | None = None
    """The parked event's row, for a retry."""
    is_suspect: bool = False
    """Whether the events are among the suspects too."""
    is_probe: bool = False
    """Whether it decides if the pause ends."""
    is_gone: bool = False
    """Whether the parked event is not in the stream any more."""
    report: Report | None = None
    task: "asyncio.Task[None] | None" = None


class State:
    """Everything that changes while a destination is served."""

    def __init__(
        self,
        name: str,
        *,
        cursor: Cursor,
        parked: Iterable[Parked],
        policies: Policies,
        clock: Clock,
        uniform: Callable[[float, float], float],
        group: Group | None = None,
        held: str = "",
    ) -> None:
        keys = keys_by(policies.ordering)
        give_up = float(policies.retry.give_up)
        self.name = name
        self.keys = keys
        self.give_up = give_up
        self._clock = clock
        self._begun = clock.now(), clock.monotonic()
        self.ledger = Ledger(name, cursor)
        self.parking = Parking(parked, give_up=give_up, now=clock.now(), uniform=uniform)
        self.batcher = Batcher(policies.batching, keys=keys, parking=self.parking, group=group)
        self.suspects = Suspects(keys)
        self.pause = Pause(policies.retry, uniform=uniform, held=held)
        self.concurrency = ConcurrencyLimit(policies.concurrency)
        self.record = Record(give_up)
        self.flights: set[Flight] = set()
        self._busy: set[str] = set()

    def now(self) -> int:
        """Milliseconds since the epoch as if nobody had set the clock since the start.

        Parked events are due and grow old by this time: a clock set back must not hold them, nor one set forward
        let them die.
        """
        began_at, began = self._begun
        return began_at + int((self._clock.monotonic() - began) * 1000)

    def busy(self) -> AbstractSet[str] | None:
        """Keys that must not leave now, beside those behind the barrier; None when there is nothing to overtake."""
        if not self.flights and not self.suspects:
            return None
        for flight in self.flights:
            if flight.keys is None:
                flight.keys = frozenset(self.keys_of(flight.batch))
                self._busy |= flight.keys
        return self._busy.union(self.suspects.keys()) if self.suspects else self._busy

    def ended(self, flight: Flight) -> None:
        """A flight is over; its keys are free."""
        self.flights.discard(flight)
        if flight.keys:
            self._busy -= flight.keys

    def keys_of(self, envelopes: Iterable[Envelope]) -> Iterable[str]:
        """The order keys of all these events."""
        return (key for envelope in envelopes for key in self.keys(envelope.event))


def keys_by(ordering: Ordering) -> Keys:
    """The keys of an event whose order is kept."""
    return order_keys if ordering == "per_user" else _no_keys


def _no_keys(event: AnyEvent) -> tuple[str, ...]:
    """Nothing is kept in order."""
    return ()
