"""Delivery: one actor for each destination, which takes the stream there at its own pace.

It promises:

- Every event of the stream that the destination takes is delivered at least once, or has a recorded end with a
  reason code. `accepted = delivered + filtered + suppressed + dead + expired + pending`, at every settlement.
- Events that share a user, anonymous or previous id arrive in the order of the stream, whatever fails in between.
- What one event, one answer or one plugin does wrong harms that event only; no destination waits for another.
- A restart repeats at most what was on its way or not yet settled.

The road of an event, a file for each part:

    Follower ─▶ intake ─▶ batcher ─▶ dispatch ─▶ flight ─▶ inserting ─▶ sending/ ─▶ http, or the plugin's `deliver`
                  │                      ▲           │
                  │        pause, suspects, parking  ▼
                  └──────────────────────┴──────── landing ─▶ ledger ─▶ the store

`intake` routes (`routing` says who gets what, and how), `dispatch` decides what leaves, `flight` sends a batch and
bisects it where an event is refused, `inserting` runs insert functions that use `fetch`, `sending/` makes one attempt,
`classify` turns answers into verdicts, `landing` draws the consequences, `ledger` gathers what the store has to know.
A replay into the same destination waits for its turn at the `gate`.

Why so: the happy path writes no row per event. A destination that is down is a cursor that stands still, so nothing
is written while it pauses; a single bad event is a small row (parked) so that it need not hold the cursor. Whether
it is the destination or an event that is bad is found out by asking with another user's event (a probe).

An event counts for a destination when its source is connected to it; other events only move the cursor.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from router.actors.actor import Actor
from router.actors.guard import Guard
from router.delivery.clock import Clock, Timer
from router.delivery.dispatch import Dispatch
from router.delivery.failure_log import Attempts, FailureLog
from router.delivery.fetching import Recall, fetch
from router.delivery.flight import fly
from router.delivery.gate import Gate
from router.delivery.grouping import grouping
from router.delivery.inserting import inserting
from router.delivery.intake import Intake
from router.delivery.landing import Landing
from router.delivery.ledger import passed
from router.delivery.replaying import GRACE_SECONDS as REPLAY_GRACE_SECONDS
from router.delivery.replaying import PacedSender, Replaying
from router.delivery.routing import Route
from router.delivery.sending.http import HttpClient
from router.delivery.sending.rate import RateLimit
from router.delivery.sending.sender import Sender
from router.delivery.state import Flight, State
from router.delivery.status import DeliveryStatus
from router.delivery.terms import EVERYTHING, Terms
from router.errors import StorageError
from router.plugins.auth import Auth
from router.plugins.destination import Destination
from router.plugins.policies import Policies
from router.storage.follower import Follower, Stream
from router.storage.letters import Parked
from router.storage.store import DestinationState, Settlement
from router.telemetry.happenings import CursorMoved, DestinationPaused, DestinationResumed, PluginMisbehaved
from router.telemetry.signals import Signals

WINDOW_EVENTS = 10_000
"""How far a destination may be ahead of its last committed outcome."""
GRACE_SECONDS = 10.0
"""How long a flight may take to end when the router stops."""
STORE_RETRY_SECONDS = (0.1, 5.0)


class DeliveryActor(Actor):
    """Serves one destination."""

    def __init__(
        self,
        destination: Destination[Any, Any],
        *,
        state: DestinationState,
        stream: Stream,
        settle: Callable[[Sequence[Settlement]], Awaitable[None]],
        policies: Policies,
        http: HttpClient,
        signals: Signals,
        clock: Clock,
        terms: Terms = EVERYTHING,
        recall: Recall | None = None,
        failures: FailureLog | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
        window: int = WINDOW_EVENTS,
        auth: Auth | None = None,
        guard: Guard | None = None,
        replaying: Replaying | None = None,
        held: str = "",
    ) -> None:
        """`terms` say which events it gets; `recall` finds a parked event that the stream has lost.

        `failures` logs attempts that failed; `uniform` is the jitter's source of chance. `auth` goes before what the
        destination declares, and `guard` is the one that the watchdog knows. `replaying` makes it a replay beside a
        live actor. With a reason in `held` it starts paused until `release`.
        """
        destination.feed_by(policies)
        self.name = f"delivery {state.name}"
        self._destination = state.name
        self._stream = stream
        self._settle = settle
        self._policies = policies
        self._signals = signals
        self._clock = clock
        self._recall = recall
        self._failures = failures
        self._uniform = uniform
        self._window = window
        self.rate = RateLimit(policies.rate, clock)
        self.sender = Sender(
            destination,
            http=http,
            rate=self.rate,
            clock=clock,
            auth=auth,
            guard=guard,
            misbehaved=lambda *fault: signals.emit(PluginMisbehaved(state.name, destination.kind, *fault)),
        )
        self.plugin = self.sender.foreign
        """The plugin as the watchdog knows it."""
        call = self.sender.call
        self._group = grouping(destination, call, self.sender.tell)
        wants = partial(call, destination.wants) if destination.chooses() else None
        self._route = Route(terms, destination.event_types(), wants)
        self._held = held
        self.gate = Gate(policies.concurrency.max)
        self._pace = replaying.pace if replaying else self.rate
        send = inserting(replaying.sender if replaying else self.sender, terms, policies, self._group)
        self._send = PacedSender(send, replaying.pace) if replaying else send
        self._side = replaying.side if replaying else self.gate.live
        self._grace = REPLAY_GRACE_SECONDS if replaying else GRACE_SECONDS
        self._committed = state.cursor
        self._parked = {row.position: row for row in state.parked}
        self._committing = asyncio.Lock()
        self._is_stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self._begin()

    # --- life -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the destination, from what is committed on."""
        async with self._committing:  # a settlement of before a crash may still be on its way
            self._begin()
        self._ended.clear()
        self._side.wake = lambda: self._woken.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                reader = tasks.create_task(self._read())
                settler = tasks.create_task(self._settle_all())
                while not self._is_stopping:
                    self._turn()
                    await self._woken.wait()
                reader.cancel()
                await self._wind_down()
                settler.cancel()
            await self._commit()
        except StorageError:
            pass  # the store did not take the last settlement; what it would have recorded is repeated
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            self._set_alarm(None)
            self._side.left()
            await self._send.close()
            self._ended.set()

    async def stop(self) -> None:
        """Start nothing more, give what is on its way some time, settle what ended and close the destination."""
        self._is_stopping = True
        self._woken.set()
        await self._ended.wait()

    def revive(self, rows: Iterable[Parked]) -> None:
        """Take events that the store has just parked: somebody sends dead letters again. They are due at once."""
        now = self._state.now()  # rows have the time of day, which may have been set since
        for row in rows:
            if row.position not in self._parked:  # an actor that started meanwhile has read them itself
                self._parked[row.position] = row
                self._state.parking.park(replace(row, due_at=now, first_tried_at=now))
        self._tell_cursor()
        self._woken.set()

    def release(self) -> None:
        """Begin to send, where `held` kept it from that."""
        self._held = ""
        self._state.pause.release()
        self._woken.set()

    @property
    def status(self) -> DeliveryStatus:
        """Where the destination stands."""
        state = self._state
        return DeliveryStatus(
            cursor=self._committed,
            pending=max(0, self._stream.head - passed(self._committed)) + len(self._parked),
            parked=len(self._parked),
            held=state.parking.held,
            in_flight=sum(len(flight.batch) for flight in state.flights),
            is_paused=state.pause.is_on,
            reason=state.pause.reason,
        )

    def _begin(self) -> None:
        """Forget everything that is not committed."""
        self._state = State(
            self._destination,
            cursor=self._committed,
            parked=self._parked.values(),
            policies=self._policies,
            clock=self._clock,
            uniform=self._uniform,
            group=self._group,
            held=self._held,
        )
        self._dispatch = Dispatch(
            self._state, rate=self._pace, side=self._side, clock=self._clock, start=self._start
        )
        self._landing = Landing(self._state, clock=self._clock, signals=self._signals)
        self._follower = Follower(self._stream, self._committed.floor)
        self._intake = Intake(
            self._state,
            self._landing,
            route=self._route,
            resumed_from=self._committed,
            clock=self._clock,
        )
        self._is_full = False
        self._landed: list[Flight] = []
        self._unsettled: Settlement | None = None
        self._alarm: Timer | None = None
        self._woken = asyncio.Event()
        self._hungry = asyncio.Event()
        self._has_news = asyncio.Event()

    def _turn(self) -> None:
        """Draw the consequences of what happened, and start what may leave."""
        self._woken.clear()
        landed, self._landed = self._landed, []
        for flight in landed:
            self._landing.land(flight)
        self._side.landed(len(self._state.flights))
        self._dispatch.launch()
        self._side.looked(self._state, is_ready=self._dispatch.is_ready)
        self._set_alarm(self._dispatch.wake_in)
        self._tell_whether_full()
        if self._may_read():
            self._hungry.set()
        else:
            self._hungry.clear()
        if not self._state.ledger.is_empty:
            self._has_news.set()

    def _tell_whether_full(self) -> None:
        if self._state.parking.is_full is not self._is_full:
            self._is_full = self._state.parking.is_full
            full, over = (
                DestinationPaused(self._destination, "parked_full", 0.0),
                DestinationResumed(self._destination),
            )
            self._signals.emit(full if self._is_full else over)

    async def _wind_down(self) -> None:
        self._set_alarm(self._grace)
        deadline = self._clock.monotonic() + self._grace
        while self._state.flights and self._clock.monotonic() < deadline:
            for flight in self._landed:
                self._landing.land(flight)
            self._landed = []
            if self._state.flights:
                self._woken.clear()
                await self._woken.wait()
        for flight in self._state.flights:
            if flight.task is not None:
                flight.task.cancel()

    def _set_alarm(self, seconds: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if seconds is None else self._clock.call_later(seconds, self._woken.set)

    # --- reading --------------------------------------------------------------------------------------

    def _may_read(self) -> bool:
        state = self._state
        return (
            state.batcher.wants_more
            and (not state.pause.is_on or self._dispatch.lacks_probe or not state.batcher)
            and not state.parking.is_full
            and not state.parking.holds_enough
            and self._follower.position - passed(self._committed) < self._window
        )

    async def _read(self) -> None:
        delay, longest = STORE_RETRY_SECONDS
        while True:
            await self._hungry.wait()
            try:
                reading = await self._follower.read()
            except StorageError:  # the store is in trouble and says so itself; it is asked again
                await self._clock.sleep(delay)
                delay = min(delay * 2, longest)
                continue
            delay = STORE_RETRY_SECONDS[0]
            self._intake.admit(reading)
            self._hungry.clear()
            self._woken.set()

    # --- sending --------------------------------------------------------------------------------------

    def _start(self, flight: Flight) -> None:
        self._state.flights.add(flight)
        self._side.launched(flight.kind)
        flight.task = self._tasks.create_task(self._carry(flight))

    async def _carry(self, flight: Flight) -> None:
        try:
            if flight.row is not None:
                await fetch(flight, flight.row, stream=self._stream, recall=self._recall, route=self._route)
            if flight.batch:
                flight.report = await fly(self._attempts(flight), flight.batch, self._state.keys)
        finally:
            self._landed.append(flight)
            self._woken.set()

    def _attempts(self, flight: Flight) -> Attempts:
        if self._failures is None:
            return self._send
        row = flight.row
        tries = self._state.record.count if row is None else lambda position: row.attempts
        return self._failures.watching(self._send, flight.batch, tries)

    # --- settling -------------------------------------------------------------------------------------

    async def _settle_all(self) -> None:
        delay, longest = STORE_RETRY_SECONDS
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while not self._ledger_is_settled:
                if await asyncio.shield(
                    self._is_committed()
                ):  # a write that has begun is never given up half-way
                    delay = STORE_RETRY_SECONDS[0]
                else:
                    await self._clock.sleep(delay)
                    delay = min(delay * 2, longest)

    @property
    def _ledger_is_settled(self) -> bool:
        return self._unsettled is None and self._state.ledger.is_empty

    async def _is_committed(self) -> bool:
        """Settle what is gathered; False when the store is in trouble, which it says itself."""
        try:
            await self._commit()
        except StorageError:
            return False
        return True

    async def _commit(self) -> None:
        """Settle what is gathered; what gathers meanwhile is settled next."""
        async with self._committing:
            if self._ledger_is_settled:
                return
            settlement = self._unsettled or self._state.ledger.take(self._clock.now())
            self._unsettled = settlement
            await self._settle([settlement])
            if self._failures is not None:
                self._failures.died(settlement.dead_letters)
            self._unsettled = None
            self._committed = settlement.cursor
            for row in settlement.park:
                self._parked[row.position] = row
            for position in settlement.unpark:
                self._parked.pop(position, None)
        self._tell_cursor()
        if not self._hungry.is_set():  # the window may have been what kept it from reading
            self._woken.set()

    def _tell_cursor(self) -> None:
        floor = min(self._committed.floor, min(self._parked, default=self._committed.floor))
        completed = passed(self._committed) - len(self._parked) - floor
        self._signals.emit(CursorMoved(self._destination, floor, completed))
