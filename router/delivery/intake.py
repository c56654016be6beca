"""What a destination reads from the stream: routed, and handed to the batcher or to its end."""

from router.delivery.clock import Clock
from router.delivery.landing import GONE, Landing
from router.delivery.routing import Route
from router.delivery.state import State
from router.storage.cursor import Cursor
from router.storage.follower import Reading


class Intake:
    """Takes in readings, in order. What the cursor had passed at the start is not taken in again."""

    def __init__(
        self,
        state: State,
        landing: Landing,
        *,
        route: Route,
        resumed_from: Cursor,
        clock: Clock,
    ) -> None:
        self._state = state
        self._landing = landing
        self._route = route
        self._done = resumed_from
        self._clock = clock

    def admit(self, reading: Reading) -> None:
        """Take in what was read next."""
        state, done = self._state, self._done
        envelopes, gaps = reading.envelopes, reading.gaps
        if done.ranges and reading.first < done.ranges[-1][1]:
            envelopes = [one for one in envelopes if not done.is_complete(one.position)]
            gaps = tuple(part for gap in gaps for part in done.missing(*gap))
        for first, after in gaps:
            state.ledger.expired(first, after, GONE)
        state.ledger.unconnected([one for one in reading.passed if not done.is_complete(one.position)])
        if envelopes:
            routed = self._route.divide(envelopes)
            state.ledger.filtered(routed.filtered)
            state.ledger.unconnected(routed.unconnected)
            self._landing.bury(routed.broken)
            state.batcher.add(routed.taken, self._clock.monotonic())
