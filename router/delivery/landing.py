"""What follows from a flight that is over: ends are recorded, failures pause, bisect, park or give up."""

from collections import Counter
from collections.abc import Sequence

from router.delivery.clock import Clock
from router.delivery.flight import Report
from router.delivery.letter import dead_letter
from router.delivery.state import Flight, Kind, State
from router.delivery.verdict import Judgement, Verdict
from router.events.envelope import Envelope
from router.storage.letters import Parked
from router.telemetry.happenings import (
    BatchDelivered,
    BatchFailed,
    DestinationPaused,
    DestinationResumed,
    EventsDied,
)
from router.telemetry.signals import Signals

GONE = "gone"
"""The reason of an event that its destination can no longer get: the segment was damaged, deleted or expired."""
_LOST = Verdict(Judgement.BROKEN, "PLUGIN_ERROR", answer="the plugin ended its own task")


class Landing:
    """Takes in flights, one after the other."""

    def __init__(self, state: State, *, clock: Clock, signals: Signals) -> None:
        self._state = state
        self._clock = clock
        self._signals = signals
        self._died: Counter[str] = Counter()

    def land(self, flight: Flight) -> None:
        """Take in a flight that is over."""
        state = self._state
        in_flight = len(state.flights)
        state.ended(flight)
        report = flight.report or Report(failed=list(flight.batch), failure=_LOST)
        if report.children_delivered:
            state.ledger.children(report.children_delivered)
        if flight.row is not None:
            self._land_retry(flight, flight.row, report)
        else:
            self._land_events(flight, report)
        if report.delivered:
            seconds = (self._clock.now() - report.delivered[0].received_at) / 1000
            self._signals.emit(BatchDelivered(state.name, len(report.delivered), max(0.0, seconds)))
        if report.shows_service_well:
            state.record.successes += 1
        if report.failure is not None:
            self._signals.emit(BatchFailed(state.name, len(report.failed), report.failure.code))
            self._fail(flight, report, report.failure)
        elif flight.row is None or report.delivered or report.dead or report.filtered:
            self._succeed(flight, report, in_flight)
        for reason, count in self._died.items():
            self._signals.emit(EventsDied(state.name, count, reason))
        self._died.clear()

    def bury(self, broken: Sequence[tuple[Envelope, Verdict]]) -> None:
        """Record the death of events that cannot even be tried."""
        for envelope, verdict in broken:
            self._bury(envelope, verdict)
        for reason, count in self._died.items():
            self._signals.emit(EventsDied(self._state.name, count, reason))
        self._died.clear()

    # --- ends -----------------------------------------------------------------------------------------

    def _land_events(self, flight: Flight, report: Report) -> None:
        state = self._state
        if report.delivered:
            state.ledger.delivered(report.delivered, state.record.attempts(report.delivered))
            state.record.forget(report.delivered)
        for envelope, verdict in report.dead:
            self._bury(envelope, verdict)
        if report.filtered:
            state.ledger.filtered(report.filtered)
            state.record.forget([one for one, _ in report.filtered])
        for envelope, verdict in report.again:
            keys = state.keys(envelope.event)
            if state.parking.blocks(
                envelope.position, keys
            ):  # behind one of the same user in this very batch
                state.parking.hold(envelope, keys)
                continue
            state.record.failed([envelope], verdict, monotonic=self._clock.monotonic(), now=state.now())
            self._park(envelope, verdict)
        if flight.is_suspect:
            over = [one for some in (report.dead, report.filtered, report.again) for one, _ in some]
            state.suspects.clear({one.position for one in (*report.delivered, *over)})
        elif report.untried:
            state.batcher.give_back(report.untried)

    def _land_retry(self, flight: Flight, row: Parked, report: Report) -> None:
        """A parked event was tried again, is not in the stream any more, or could not be read."""
        state = self._state
        now = state.now()
        if report.delivered:
            state.ledger.delivered(report.delivered, {row.position: row.attempts + 1})
            self._lift(row.position)
        elif report.filtered:
            state.ledger.filtered(report.filtered)
            self._lift(row.position)
        elif report.dead:
            envelope, verdict = report.dead[0]
            self._give_up(row, envelope, verdict, row.attempts + 1)
        elif report.failed:
            verdict = report.failure or _LOST
            started_at = now - int((self._clock.monotonic() - flight.started_at) * 1000)
            retried = state.parking.again(row, verdict, started_at=started_at, now=now)
            if retried.is_over:
                self._give_up(row, report.failed[0], verdict, retried.row.attempts)
            else:
                state.parking.park(retried.row)
                state.ledger.park(retried.row)
        elif flight.is_gone:
            state.ledger.expired(row.position, row.position + 1, GONE)
            self._lift(row.position)
        else:
            state.parking.put_back(row, now)

    def _bury(self, envelope: Envelope, verdict: Verdict) -> None:
        """Record the death of an event that is not parked."""
        state, now = self._state, self._clock.now()
        tries = state.record.get(envelope.position)
        is_counted = verdict.judgement not in (Judgement.REFUSED, Judgement.TOO_LARGE)
        count = (tries.count if tries else 0) + (0 if is_counted else 1)
        first = tries.first_tried_at if tries else now
        state.ledger.dead(
            dead_letter(state.name, envelope, verdict, attempts=count, first_tried_at=first, now=now)
        )
        self._count_death(verdict)
        state.record.forget([envelope])

    def _give_up(self, row: Parked, envelope: Envelope, verdict: Verdict, attempts: int) -> None:
        """Record the death of a parked event."""
        letter = dead_letter(
            self._state.name,
            envelope,
            verdict,
            attempts=attempts,
            first_tried_at=row.first_tried_at,
            now=self._clock.now(),
        )
        self._state.ledger.dead(letter)
        self._count_death(verdict)
        self._lift(row.position)

    def _count_death(self, verdict: Verdict) -> None:
        self._died[verdict.code] += 1
        if verdict.children is not None:
            self._state.ledger.children(verdict.children.delivered, verdict.children.dead)

    def _lift(self, position: int) -> None:
        self._state.ledger.unpark(position)
        self._state.batcher.give_back(self._state.parking.lift(position))

    def _park(self, envelope: Envelope, verdict: Verdict) -> None:
        """Park an event whose last failure is counted already; it dies instead when it is too old."""
        state = self._state
        tries = state.record.get(envelope.position)
        now = state.now()
        retried = state.parking.first(
            envelope,
            state.keys(envelope.event),
            verdict,
            attempts=tries.count if tries else 1,
            first_tried_at=tries.first_tried_at if tries else now,
            now=now,
        )
        if retried.is_over:
            self._bury(envelope, verdict)
            return
        state.parking.park(retried.row)
        state.ledger.park(retried.row)
        state.record.forget([envelope])

    # --- the destination ------------------------------------------------------------------------------

    def _succeed(self, flight: Flight, report: Report, in_flight: int) -> None:
        state = self._state
        now = self._clock.monotonic()
        state.concurrency.succeeded(now - flight.started_at, in_flight, now=now)
        is_well = report.shows_service_well or state.pause.is_inserting
        if state.pause.is_on and flight.is_probe and is_well:  # otherwise the next probe leaves at once
            state.pause.end()
            self._signals.emit(DestinationResumed(state.name))

    def _fail(self, flight: Flight, report: Report, verdict: Verdict) -> None:
        state = self._state
        if flight.row is None:
            if verdict.judgement is not Judgement.SNOOZE:
                monotonic, now = self._clock.monotonic(), state.now()
                state.record.failed(report.failed, verdict, monotonic=monotonic, now=now)
            if self._is_settled_alone(flight, report.failed, verdict):
                return
            self._set_aside(flight, report.failed, verdict)
        elif not flight.is_probe and verdict.judgement is not Judgement.THROTTLED:
            return  # a parked event that fails says nothing about the others
        self._pause(flight, verdict)

    def _is_settled_alone(self, flight: Flight, failed: Sequence[Envelope], verdict: Verdict) -> bool:
        """Whether a single event is given up or parked, so that the destination may run on."""
        state = self._state
        if len(failed) != 1 or flight.is_probe or state.pause.is_on or not verdict.judgement.accuses_events:
            return False
        failures = 1 if verdict.judgement is Judgement.BROKEN else 2
        if not state.record.is_the_events_fault(failed[0].position, failures=failures):
            return False
        state.record.conclude()
        if flight.is_suspect:
            state.suspects.clear({failed[0].position})
        if verdict.judgement is Judgement.CREDENTIALS:
            self._bury(failed[0], verdict)
        else:
            self._park(failed[0], verdict)
        return True

    def _set_aside(self, flight: Flight, failed: list[Envelope], verdict: Verdict) -> None:
        """Keep events that failed where they are tried again."""
        state = self._state
        if flight.is_suspect:
            if flight.kind is Kind.TRIAL and verdict.judgement.accuses_events:
                state.suspects.failed({one.position for one in failed})
        elif flight.is_probe or not verdict.judgement.accuses_events:
            state.batcher.give_back(failed)
        else:
            state.suspects.add(failed)

    def _pause(self, flight: Flight, verdict: Verdict) -> None:
        state = self._state
        now = self._clock.monotonic()
        state.concurrency.failed(started_at=flight.started_at, now=now)
        if state.pause.is_on and not flight.is_probe:
            if verdict.after is not None:
                state.pause.prolong(now, verdict.after)
            return
        if flight.is_probe:
            self._give_up_old()
        is_credentials = verdict.judgement is Judgement.CREDENTIALS and not verdict.is_inserting
        code = f"insert function {verdict.code}" if verdict.is_inserting else verdict.code
        seconds = state.pause.begin(code, now, after=verdict.after)
        state.pause.is_inserting = verdict.is_inserting
        reason = f"credentials {code}" if is_credentials else code
        self._signals.emit(DestinationPaused(state.name, reason, seconds))

    def _give_up_old(self) -> None:
        """A probe failed: what was tried and failed for the whole give-up age is dead.

        Of one user only the first event dies now; those behind it could not be tried without it.
        """
        state = self._state
        old = set(state.record.too_old(self._clock.monotonic()))
        if not old:
            return
        old -= {one.position for flight in state.flights for one in flight.batch}
        candidates = [one for one in state.suspects if one.position in old] + state.batcher.find(old)
        dying: dict[int, Envelope] = {}
        seen: set[str] = set()
        for envelope in sorted(candidates, key=_position):
            keys = state.keys(envelope.event)
            if seen.isdisjoint(keys):
                dying[envelope.position] = envelope
            seen.update(keys)
        state.suspects.clear(dying.keys())
        state.batcher.drop(dying.keys())
        for envelope in dying.values():
            tries = state.record.get(envelope.position)
            self._bury(envelope, tries.verdict if tries else _LOST)


def _position(envelope: Envelope) -> int:
    return envelope.position
