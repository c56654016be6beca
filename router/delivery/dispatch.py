"""What leaves next: a batch, a part of a suspected batch, a parked event whose time has come, or a probe.

Batches of the stream and retries of parked events share the way by weight (operations 9); what a replay beside them
may send is for the gate to say.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from router.delivery.clock import Clock
from router.delivery.gate import Side
from router.delivery.sending.rate import RateLimit
from router.delivery.state import Flight, Kind, State
from router.delivery.turns import Turns
from router.events.envelope import Envelope
from router.storage.letters import Parked

WEIGHTS: Mapping[Kind, int] = {Kind.LIVE: 8, Kind.RETRY: 3}
"""Turns of each when both have something to send; a replay has 1 (`router.delivery.gate`)."""


class Dispatch:
    """Starts flights for as long as something may leave."""

    def __init__(
        self,
        state: State,
        *,
        rate: RateLimit,
        side: Side,
        clock: Clock,
        start: Callable[[Flight], None],
    ) -> None:
        self._state = state
        self._rate = rate
        self._side = side
        self._clock = clock
        self._start = start
        self._turns = Turns(WEIGHTS)
        self._lanes: Mapping[Kind, Callable[[], bool]] = {
            Kind.LIVE: self._launch_live,
            Kind.RETRY: self._launch_retry,
        }
        self.wake_in: float | None = None
        """Seconds until something may leave that must wait now."""
        self.lacks_probe = False
        """Whether a paused destination has nothing to probe with among what was read."""

    def launch(self) -> None:
        """Start every flight that may leave now."""
        self.wake_in = None
        self.lacks_probe = False
        if not self._side.is_open or self._state.pause.is_held:
            return
        if self._state.pause.is_on:
            self._launch_probe()
        else:
            while len(self._state.flights) < self._state.concurrency.limit and self._launch_one():
                pass

    @property
    def is_ready(self) -> bool:
        """Whether something waits that could leave at once, but for limits and order."""
        state = self._state
        if state.pause.is_on or state.parking.is_full:
            return False
        if state.batcher and state.batcher.wait_left(self._clock.monotonic()) <= 0:
            return True
        due_at = None if state.parking.is_away else state.parking.next_due()
        return bool(state.suspects) or (due_at is not None and due_at <= state.now())

    def _launch_one(self) -> bool:
        if self._rate_holds() or not self._side.may_launch():
            return False
        if self._launch_trial():
            return True
        for lane in self._turns.order():
            if self._lanes[lane]():
                self._turns.took(lane)
                return True
        return False

    def _launch_live(self) -> bool:
        state = self._state
        if state.parking.is_full or not state.batcher:
            return False
        now = self._clock.monotonic()
        left = state.batcher.wait_left(now)
        if left > 0:
            self._wake(left)
            return False
        batch = state.batcher.take(self._busy(), now)
        if not batch:
            return False
        self._start(Flight(Kind.LIVE, batch, now))
        return True

    def _launch_trial(self) -> bool:
        state = self._state
        if not state.suspects or any(flight.is_suspect for flight in state.flights):
            return False
        part = state.suspects.next()
        behind = [one for one in part if state.parking.blocks(one.position, state.keys(one.event))]
        if behind:
            state.suspects.clear({one.position for one in behind})
            for envelope in behind:
                state.parking.hold(envelope, state.keys(envelope.event))
            return self._launch_trial()
        self._start(Flight(Kind.TRIAL, part, self._clock.monotonic(), frozenset(), is_suspect=True))
        return True

    def _launch_retry(self) -> bool:
        state = self._state
        if state.parking.is_away:
            return False
        row = state.parking.take(state.now())
        if row is None:
            due_at = state.parking.next_due()
            if due_at is not None:
                self._wake((due_at - state.now()) / 1000)
            return False
        self._start(self._retry(row))
        return True

    def _launch_probe(self) -> None:
        state = self._state
        left = state.pause.left(self._clock.monotonic())
        if left > 0:
            self._wake(left)
            return
        if (
            any(flight.is_probe for flight in state.flights)
            or self._rate_holds()
            or not self._side.gate.has_place
        ):
            return
        envelope, is_suspect = self._choose_probe()
        now = self._clock.monotonic()
        if envelope is None:
            self.lacks_probe = True
            row = None if state.parking.is_away else state.parking.take(state.now())
            if row is not None:
                flight = self._retry(row)
                flight.is_probe = True
                self._start(flight)
            elif (due_at := state.parking.next_due()) is not None:
                self._wake((due_at - state.now()) / 1000)
        elif is_suspect:
            state.suspects.isolate(envelope)
            self._start(Flight(Kind.PROBE, [envelope], now, frozenset(), is_suspect=True, is_probe=True))
        else:
            state.batcher.drop({envelope.position})
            self._start(Flight(Kind.PROBE, [envelope], now, is_probe=True))

    def _choose_probe(self) -> tuple[Envelope | None, bool]:
        """One event, if possible of another user than what failed: first what failed least, then in order."""
        state = self._state
        found = [(envelope, False) for envelope in state.batcher.probes(self._busy() or frozenset())]
        if not any(flight.is_suspect for flight in state.flights):
            found += [(envelope, True) for envelope in state.suspects.probes()]
        found = [item for item in found if not self._is_behind(item[0])]
        if not found:
            return None, False
        return min(
            found,
            key=lambda item: (
                state.record.count(item[0].position) + state.suspects.failed_last(item[0]),
                item[0].position,
            ),
        )

    def _is_behind(self, envelope: Envelope) -> bool:
        return self._state.parking.blocks(envelope.position, self._state.keys(envelope.event))

    def _retry(self, row: Parked) -> Flight:
        return Flight(Kind.RETRY, [], self._clock.monotonic(), frozenset(), row=row)

    def _busy(self) -> AbstractSet[str] | None:
        own, barred = self._state.busy(), self._side.barred
        if not barred:
            return own
        return barred if own is None else own | barred

    def _rate_holds(self) -> bool:
        left = self._rate.left()
        if left > 0:
            self._wake(left)
        return left > 0

    def _wake(self, seconds: float) -> None:
        self.wake_in = seconds if self.wake_in is None else min(self.wake_in, seconds)
